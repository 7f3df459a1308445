#include "sync/kube/config/yaml_json.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/yaml_bounds.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

// Aliases may repeat a node; a document of a few hundred bytes can thereby stand for gigabytes.
constexpr int most_nodes = 250'000;
// In the text: a value has up to two marks, and names have hyphens.
constexpr std::size_t most_punctuation = 500'000;
constexpr int deepest = 100;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

json plain_scalar(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) {
    return nullptr;
  }
  if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"})) {
    return true;
  }
  if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"})) {
    return false;
  }
  const char* begin = text.data();
  const char* end = begin + text.size();
  std::int64_t integer = 0;
  const auto as_integer = std::from_chars(*begin == '+' ? begin + 1 : begin, end, integer);
  if (as_integer.ec == std::errc() && as_integer.ptr == end) {
    return integer;
  }
  const bool numeric = std::isdigit(static_cast<unsigned char>(*begin)) != 0 || is_one_of({begin, 1}, {"-", "+", "."});
  double real = 0;
  const auto as_real = std::from_chars(*begin == '+' ? begin + 1 : begin, end, real);
  if (numeric && as_real.ec == std::errc() && as_real.ptr == end && std::isfinite(real)) {
    return real;
  }
  return text;
}

class Converter {
 public:
  explicit Converter(Scalars scalars) : scalars_(scalars) {}

  json convert(const YAML::Node& node, int depth = 0) {
    if (++nodes_ > most_nodes || depth > deepest) {
      throw Error(ErrorCode::invalid_input, "the YAML is too deep or too large when its aliases are expanded");
    }
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const YAML::Node& item : node) {
          list.push_back(convert(item, depth + 1));
        }
        return list;
      }
      case YAML::NodeType::Map:
        return map(node, depth);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        break;
    }
    return nullptr;
  }

 private:
  [[nodiscard]] json scalar(const YAML::Node& node) const {
    const std::string& tag = node.Tag();
    const bool typed = scalars_ == Scalars::typed;
    if (typed && tag == "tag:yaml.org,2002:binary") {
      if (auto bytes = base64_decode(node.Scalar())) {
        return in_utf8(std::move(*bytes), node.Mark());
      }
      throw Error(ErrorCode::invalid_input,
                  "line " + std::to_string(node.Mark().line + 1) + ": !!binary is not valid base64");
    }
    const bool plain = tag == "?" || tag.empty() ||
                       is_one_of(tag, {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"});
    const std::string text = in_utf8(node.Scalar(), node.Mark());
    return typed && plain ? plain_scalar(text) : json(text);
  }

  // yaml-cpp takes any bytes, go-yaml does not; and no JSON could be written of them.
  static std::string in_utf8(std::string text, const YAML::Mark& mark) {
    if (!is_utf8(text)) {
      throw Error(ErrorCode::invalid_input, "line " + std::to_string(mark.line + 1) + ": it is not UTF-8",
                  "save it as UTF-8");
    }
    return text;
  }

  json map(const YAML::Node& node, int depth) {
    json object = json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        throw Error(ErrorCode::invalid_input,
                    "line " + std::to_string(entry.first.Mark().line + 1) + ": a key must be a plain value");
      }
      json value = convert(entry.second, depth + 1);
      if (entry.first.Scalar() == "<<" && entry.first.Tag() == "?") {
        merge(object, value, entry.first.Mark());
      } else {
        object[in_utf8(entry.first.Scalar(), entry.first.Mark())] = std::move(value);
      }
    }
    return object;
  }

  // As goyaml.v2 (decode.go, merge), which is not what YAML's own rules say: in the order of the text, and what is
  // merged later takes the place of what is there. Of a list, the first map wins.
  static void merge(json& into, const json& from, const YAML::Mark& mark) {
    const auto is_map = [](const json& value) { return value.is_object(); };
    if (from.is_object()) {
      into.update(from);
    } else if (from.is_array() && std::ranges::all_of(from, is_map)) {
      for (auto each = from.rbegin(); each != from.rend(); ++each) {
        into.update(*each);
      }
    } else {
      throw Error(ErrorCode::invalid_input, "line " + std::to_string(mark.line + 1) +
                                                ": map merge requires map or sequence of maps as the value");
    }
  }

  const Scalars scalars_;
  int nodes_ = 0;
};

}  // namespace

json yaml_to_json(const std::string& text, Scalars scalars) {
  require_yaml_within(text, most_punctuation);
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& failure) {
    throw Error(ErrorCode::invalid_input, "line " + std::to_string(failure.mark.line + 1) + ": " +
                                              presentable(failure.msg));  // it may quote half of a character
  }
  return Converter(scalars).convert(root);
}

}  // namespace regsync::kube
