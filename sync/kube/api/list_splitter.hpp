// Splits the text of a list (meta/v1 List) into the texts of its items, so that at most one of them is parsed at a
// time. Pure; any thread.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sync/base/bounded_json.hpp"

namespace regsync::kube {

class ListSplitter {
 public:
  // The text must outlive the splitter.
  explicit ListSplitter(std::string_view text) : text_(text) {}

  // The text of the next item, which may be invalid JSON. Nullopt at the end of the list. Throws Error(protocol) if the
  // text is no list or exceeds a bound; the message has no subject.
  std::optional<std::string_view> next();

  // Whether that item is too large to be parsed (JsonBounds): see outline_of.
  [[nodiscard]] bool is_oversize() const { return oversize_; }

  // After the last item: the list without its items. Throws as next() does.
  [[nodiscard]] nlohmann::json envelope() const;

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[noreturn]] void fail() const;
  void skip_space();
  void expect(char c);
  std::string_view value(const JsonBounds& bounds = {});
  std::optional<std::string_view> next_item();

  std::string_view text_;
  std::size_t at_ = 0;
  bool begun_ = false;
  bool in_items_ = false;
  bool ended_ = false;
  std::size_t items_ = 0;
  bool oversize_ = false;
  std::string envelope_;
};

}  // namespace regsync::kube
