// YamlReader reads the values of a handwritten YAML file and reports the position of each error.
//
// (A kubeconfig is read by sync/kube/config/yaml_json.hpp instead: as Kubernetes reads YAML, by way of JSON, with its
// types and its tolerance of unknown keys.) Any thread, one at a time.
#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

class YamlReader {
 public:
  // source: the file's name, for messages; must outlive the reader.
  explicit YamlReader(std::string_view source) : source_(source) {}

  // Passes the single document of `text` (null if it is empty) to `read`. Any error, there or in the YAML, is an
  // Error(invalid_input) "SOURCE:LINE:COLUMN: what"; `remedy` is for text that is not YAML.
  void load(std::string_view text, std::string_view remedy, const std::function<void(const YAML::Node&)>& read) const;

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& what, const std::string& remedy) const;

  // Requires a mapping in which each key occurs once and is one of `known`.
  void expect_keys(const YAML::Node& map, std::string_view what, const std::vector<std::string>& known) const;

  [[nodiscard]] std::string text(const YAML::Node& node, std::string_view what) const;
  // One of `choices`.
  [[nodiscard]] std::string choice(const YAML::Node& node, std::string_view what,
                                   const std::vector<std::string>& choices) const;
  [[nodiscard]] bool boolean(const YAML::Node& node, std::string_view what) const;
  [[nodiscard]] int number(const YAML::Node& node, std::string_view what, int least, int most) const;
  [[nodiscard]] std::chrono::seconds duration(const YAML::Node& node, std::string_view what) const;
  // "2027-01-31".
  [[nodiscard]] std::chrono::sys_days date(const YAML::Node& node, std::string_view what) const;
  // Reads a mapping in which each key occurs once, with `read` for its values.
  template <typename Value>
  [[nodiscard]] std::map<std::string, Value> map(const YAML::Node& node, std::string_view what,
                                                 Value (YamlReader::*read)(const YAML::Node&, std::string_view)
                                                     const) const {
    if (!node.IsMap()) {
      fail(node.Mark(), std::string(what) + " must be a mapping", "see regsync.yaml(5)");
    }
    std::map<std::string, Value> values;
    for (const auto& item : node) {
      if (!values.emplace(text(item.first, what), (this->*read)(item.second, what)).second) {
        fail_duplicate(item.first);
      }
    }
    return values;
  }
  // Reads a sequence; a single value needs no brackets, and null is the empty list.
  [[nodiscard]] std::vector<std::string> list(const YAML::Node& node, std::string_view what) const;

 private:
  void require_printable(std::string_view text) const;
  // A scalar, within the limit that load() sets for all of them together.
  [[nodiscard]] std::string taken(const YAML::Node& node) const;
  [[noreturn]] void fail_duplicate(const YAML::Node& key) const;

  std::string_view source_;
  mutable std::size_t bytes_left_ = 0;  // left for the remaining values of a document
};

}  // namespace regsync
