// Splits a stream of bytes into lines, which is how a watch is framed. Holds at most one line, of bounded length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace regsync::kube {

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t longest) : longest_(longest) {}

  // Calls on_line for each line that `bytes` completes, without its end; the view is valid during the call. False,
  // for good, once a line is longer than allowed.
  template <typename OnLine>
  bool feed(std::string_view bytes, OnLine on_line) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      if (rest_.size() + (end == std::string_view::npos ? bytes.size() : end) > longest_) {
        return false;
      }
      if (end == std::string_view::npos) {
        rest_.append(bytes);
        return true;
      }
      if (rest_.empty()) {
        on_line(bytes.substr(0, end));
      } else {
        rest_.append(bytes.substr(0, end));
        on_line(std::string_view(rest_));
        rest_ = {};  // gives back what a large object took
      }
      bytes.remove_prefix(end + 1);
    }
    return true;
  }

  // The beginning of a line whose end has not come.
  [[nodiscard]] bool has_rest() const { return !rest_.empty(); }

 private:
  const std::size_t longest_;
  std::string rest_;
};

}  // namespace regsync::kube
