#include "sync/config/yaml_reader.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>
#include <set>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/duration.hpp"
#include "sync/base/suggest.hpp"
#include "sync/base/yaml_bounds.hpp"

namespace regsync {

namespace {

// A target that names a thousand namespaces one by one has a few thousand.
constexpr std::size_t most_values = 50'000;

// The limit for all values of a document, each counted as often as aliases repeat it: with aliases, one line may stand
// for gigabytes.
constexpr std::size_t most_bytes = 1024UL * 1024;

// Whether a line, counted from 0, is indented with a tab, which YAML forbids and its parser reports as another error.
bool is_tab_indented(std::string_view text, int line) {
  for (; line > 0 && !text.empty(); --line) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  const auto content = text.find_first_not_of(' ');
  return content != std::string_view::npos && text[content] == '\t';
}

// YAML 1.2, 5.1. yaml-cpp accepts any character in comments, which would then reach a terminal.
bool is_allowed(char32_t point) {
  return point == U'\t' || point == U'\n' || point == U'\r' || point == 0x85 || (point >= 0x20 && point < 0x7F) ||
         point >= 0xA0;
}

}  // namespace

void YamlReader::require_printable(std::string_view text) const {
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view before = text.substr(0, text.size() - rest.size());
    const auto point = take_code_point(rest);
    if (point && is_allowed(*point)) {
      continue;
    }
    const auto line = std::ranges::count(before, '\n') + 1;
    throw Error(ErrorCode::invalid_input,
                std::string(source_).append(":") + std::to_string(line) +
                    (point ? ": a control character, which YAML does not allow" : ": the text is not UTF-8"),
                point ? "remove it; cat -v shows it" : "save the file as UTF-8");
  }
}

void YamlReader::load(std::string_view text, std::string_view remedy,
                      const std::function<void(const YAML::Node&)>& read) const {
  bytes_left_ = most_bytes;
  require_printable(text);
  try {
    require_yaml_within(text, most_values);
  } catch (const Error& error) {
    throw error.within(source_);
  }
  try {
    const auto documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      fail(documents[1].Mark(), "a second YAML document", "one file holds one document; remove the line \"---\"");
    }
    read(documents.empty() ? YAML::Node() : documents.front());
  } catch (const YAML::Exception& error) {
    if (!error.mark.is_null() && is_tab_indented(text, error.mark.line)) {
      throw Error(ErrorCode::invalid_input,
                  std::string(source_).append(":") + std::to_string(error.mark.line + 1) +
                      ": a tab at the beginning of the line",
                  "YAML is indented with spaces: replace the tab");
    }
    fail(error.mark, presentable(error.msg), std::string(remedy));  // it may quote part of a character
  }
}

void YamlReader::fail(const YAML::Mark& mark, const std::string& what, const std::string& remedy) const {
  std::string where(source_);
  if (!mark.is_null()) {
    where += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  }
  throw Error(ErrorCode::invalid_input, where + ": " + what, remedy);
}

void YamlReader::expect_keys(const YAML::Node& map, std::string_view what,
                             const std::vector<std::string>& known) const {
  if (!map.IsMap()) {
    fail(map.Mark(), std::string(what) + " must be a mapping of keys to values", "see regsync.yaml(5)");
  }
  std::set<std::string> seen;
  for (const auto& item : map) {
    const std::string key = text(item.first, "a key");
    if (std::ranges::find(known, key) == known.end()) {
      fail(item.first.Mark(), "unknown key " + in_quotes(key) + " in " + std::string(what), did_you_mean(key, known));
    }
    if (!seen.insert(key).second) {
      fail_duplicate(item.first);
    }
  }
}

void YamlReader::fail_duplicate(const YAML::Node& key) const {
  fail(key.Mark(), "duplicate key " + in_quotes(key.Scalar()), "keep one of them");
}

std::string YamlReader::text(const YAML::Node& node, std::string_view what) const {
  if (!node.IsScalar()) {
    fail(node.Mark(), std::string(what) + " must be one value", "see regsync.yaml(5)");
  }
  return taken(node);
}

std::string YamlReader::taken(const YAML::Node& node) const {
  const std::string& value = node.Scalar();
  if (value.size() > bytes_left_) {
    fail(node.Mark(), "the values up to here are larger than 1 MiB, with what aliases repeat",
         "check that this is the right file");
  }
  bytes_left_ -= value.size();
  return value;
}

std::string YamlReader::choice(const YAML::Node& node, std::string_view what,
                               const std::vector<std::string>& choices) const {
  std::string value = text(node, what);
  if (std::ranges::find(choices, value) == choices.end()) {
    std::string all;
    for (const auto& choice : choices) {
      all += (all.empty() ? "" : " or ") + choice;
    }
    fail(node.Mark(), std::string(what) + ": unsupported value " + in_quotes(value), "use " + all);
  }
  return value;
}

bool YamlReader::boolean(const YAML::Node& node, std::string_view what) const {
  return choice(node, what, {"true", "false"}) == "true";
}

int YamlReader::number(const YAML::Node& node, std::string_view what, int least, int most) const {
  const std::string value = text(node, what);
  int number = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (fault != std::errc() || end != value.data() + value.size() || number < least || number > most) {
    fail(node.Mark(), std::string(what) + ": unsupported value " + in_quotes(value),
         "use a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

std::chrono::seconds YamlReader::duration(const YAML::Node& node, std::string_view what) const {
  const std::string value = text(node, what);
  const auto duration = parse_duration(value);
  if (!duration || *duration < std::chrono::seconds(1)) {
    fail(node.Mark(), "invalid duration " + in_quotes(value) + " in " + std::string(what),
         std::string(duration_examples));
  }
  return std::chrono::floor<std::chrono::seconds>(*duration);
}

std::chrono::sys_days YamlReader::date(const YAML::Node& node, std::string_view what) const {
  const std::string value = text(node, what);
  // strptime alone also accepts "27-1-5", a day of the year 27.
  const bool is_whole = std::ranges::equal(value, std::string_view("0000-00-00"), [](char c, char shape) {
    return shape == '0' ? c >= '0' && c <= '9' : c == shape;
  });
  std::tm day{};
  const char* end = ::strptime(value.c_str(), "%Y-%m-%d", &day);
  const std::chrono::year_month_day date{std::chrono::year(day.tm_year + 1900),
                                         std::chrono::month(static_cast<unsigned>(day.tm_mon) + 1),
                                         std::chrono::day(static_cast<unsigned>(day.tm_mday))};
  if (!is_whole || end == nullptr || *end != '\0' || !date.ok()) {
    fail(node.Mark(), "invalid date " + in_quotes(value) + " in " + std::string(what), "write it as 2027-01-31");
  }
  return date;
}

std::vector<std::string> YamlReader::list(const YAML::Node& node, std::string_view what) const {
  if (node.IsNull()) {
    return {};
  }
  if (node.IsScalar()) {
    return {taken(node)};
  }
  if (!node.IsSequence()) {
    fail(node.Mark(), std::string(what) + " must be a list", "write it as [a, b] or one per line with \"- \"");
  }
  std::vector<std::string> values;
  for (const auto& item : node) {
    values.push_back(text(item, what));
  }
  return values;
}

}  // namespace regsync
