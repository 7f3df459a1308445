#include "sync/kube/config/yaml_json.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/yaml_bounds.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

constexpr int deepest = 100;
constexpr std::size_t bytes_of_a_value = 128;  // with its name; the average in a document of maximum length

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// Parses as Go's strconv does with base 0: 0x10, 0o17, 017, 0b11. Null if it is not an integer, or too large.
json go_integer(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const bool has_sign = is_negative || text.starts_with('+');
  std::string_view digits = text.substr(has_sign ? 1 : 0);
  int base = 10;
  if (digits.size() > 1 && digits.front() == '0') {
    const char kind = static_cast<char>(std::tolower(static_cast<unsigned char>(digits[1])));
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    digits.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  }
  std::uint64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) {
    return nullptr;
  }
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (number <= most) {
    return is_negative ? -static_cast<std::int64_t>(number) : static_cast<std::int64_t>(number);
  }
  if (is_negative && number == most + 1) {
    return std::numeric_limits<std::int64_t>::min();
  }
  return has_sign ? json() : json(number);
}

// Parses text that begins like a number, as goyaml.v2 (resolve.go) does. Null if it is not a number.
json number_of(std::string_view text) {
  if (std::isdigit(static_cast<unsigned char>(text.front())) == 0 && !is_one_of(text.substr(0, 1), {"-", "+", "."})) {
    return nullptr;
  }
  std::string plain(text);
  std::erase(plain, '_');
  if (json integer = go_integer(plain); !integer.is_null()) {
    return integer;
  }
  const char* const begin = plain.data() + (plain.starts_with('+') ? 1 : 0);
  const char* const end = plain.data() + plain.size();
  double real = 0;
  const auto read = std::from_chars(begin, end, real);
  return read.ec == std::errc() && read.ptr == end && std::isfinite(real) ? json(real) : json();
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
  json number = number_of(text);
  return number.is_null() ? json(text) : number;
}

// yaml-cpp does not accept a lone carriage return as a line end. (A NUL means UTF-16.)
std::string with_line_feeds(std::string text) {
  if (text.find('\0') == std::string::npos) {
    for (auto at = text.find('\r'); at != std::string::npos; at = text.find('\r', at + 1)) {
      text[at] = at + 1 < text.size() && text[at + 1] == '\n' ? '\r' : '\n';
    }
  }
  return text;
}

class Converter {
 public:
  Converter(Scalars scalars, std::size_t most_values)
      : scalars_(scalars), values_left_(most_values), bytes_left_(most_values * bytes_of_a_value) {}

  json convert(const YAML::Node& node, int depth = 0) {
    if (depth > deepest) {
      throw beyond_bounds();
    }
    take(1, values_left_);
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
  static Error beyond_bounds() {
    return {ErrorCode::invalid_input, "the YAML is too deep or too large when its aliases are expanded"};
  }

  // Aliases may repeat a node, so a document of a few hundred bytes can expand to gigabytes.
  static void take(std::size_t count, std::size_t& left) {
    if (count > left) {
      throw beyond_bounds();
    }
    left -= count;
  }

  [[nodiscard]] json scalar(const YAML::Node& node) {
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

  // yaml-cpp accepts any bytes, but go-yaml does not, and JSON cannot hold them.
  std::string in_utf8(std::string text, const YAML::Mark& mark) {
    take(text.size(), bytes_left_);
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

  // As in goyaml.v2 (decode.go, merge), which deviates from the YAML rules: merges in the order of the text, and later
  // merges replace existing values. In a list of maps, the first one wins.
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
  std::size_t values_left_;
  std::size_t bytes_left_;
};

}  // namespace

json yaml_to_json(const std::string& text, Scalars scalars, std::size_t most_values) {
  const std::string lines = with_line_feeds(text);
  require_yaml_within(lines, 2 * most_values);  // a value has up to two punctuation marks, and names have hyphens
  YAML::Node root;
  try {
    root = YAML::Load(lines);
  } catch (const YAML::Exception& failure) {
    throw Error(ErrorCode::invalid_input, "line " + std::to_string(failure.mark.line + 1) + ": " +
                                              presentable(failure.msg));  // it may quote a partial character
  }
  return Converter(scalars, most_values).convert(root);
}

}  // namespace regsync::kube
