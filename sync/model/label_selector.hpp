// LabelSelector implements the full Kubernetes syntax (apimachinery labels/selector.go): equality- and set-based
// requirements.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

using Labels = std::map<std::string, std::string, std::less<>>;

class LabelSelector {
 public:
  LabelSelector() = default;
  // Parses "env in (prod,stage),tier!=db,!legacy,size>3". Throws Error(invalid_input) with the position of the error.
  static LabelSelector parse(std::string_view text);

  [[nodiscard]] bool empty() const { return requirements_.empty(); }
  [[nodiscard]] bool matches(const Labels& labels) const;  // an empty selector matches everything
  [[nodiscard]] bool mentions(std::string_view key) const;
  [[nodiscard]] const std::string& text() const { return text_; }

  bool operator==(const LabelSelector& other) const { return text_ == other.text_; }

 private:
  enum class Operator { exists, does_not_exist, in, not_in, greater, less };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  class Parser;

  std::string text_;
  std::vector<Requirement> requirements_;
};

}  // namespace regsync
