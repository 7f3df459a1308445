#include "sync/cli/view/output.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "helper/base/text.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/path_expression.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

// Whether a YAML 1.1 reader reads the plain text as this string.
bool is_plain(const std::string& text) {
  static constexpr std::array words = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"};
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  // A leading dot starts numbers (.5, .inf, .nan), but also file names.
  const bool dotted = text.size() > 4 && text.front() == '.' && is_letter(text[1]);
  if (text.empty() || (!is_letter(text.front()) && text.front() != '/' && !dotted)) {
    return false;
  }
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::ranges::find(words, lower) != words.end()) {
    return false;
  }
  return text.back() != ':' && std::ranges::all_of(text, [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') ||
                  std::string_view("/._-:@+=").find(c) != std::string_view::npos;
         });
}

void emit(YAML::Emitter& yaml, const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      yaml << YAML::BeginMap;
      for (const auto& [key, item] : value.items()) {
        yaml << YAML::Key;
        emit(yaml, key);
        yaml << YAML::Value;
        emit(yaml, item);
      }
      yaml << YAML::EndMap;
      return;
    case json::value_t::array:
      if (value.empty()) {
        yaml << YAML::Flow;
      }
      yaml << YAML::BeginSeq;
      for (const json& item : value) {
        emit(yaml, item);
      }
      yaml << YAML::EndSeq;
      return;
    case json::value_t::string:
      if (!is_plain(value.get_ref<const std::string&>())) {
        yaml << YAML::DoubleQuoted;
      }
      yaml << value.get_ref<const std::string&>();
      return;
    case json::value_t::null:
      yaml << YAML::Null;
      return;
    default:
      yaml << value.dump();  // numbers, true and false are the same in JSON
  }
}

}  // namespace

namespace {

// Escapes what could change the terminal. All such characters are in quotes, where JSON and YAML accept these escapes.
// (U+009B starts a terminal sequence, like ESC.)
std::string escaped(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::string_view before = text;
    const auto point = take_code_point(text);
    if (!point) {
      text.remove_prefix(1);  // not UTF-8
      safe += "\\ufffd";
    } else if (*point == U'\n' || !changes_the_terminal(*point)) {
      safe += before.substr(0, before.size() - text.size());
    } else {
      constexpr std::string_view digits = "0123456789abcdef";
      safe += "\\u";
      for (const unsigned shift : {12U, 8U, 4U, 0U}) {
        safe += digits[*point >> shift & 0xFU];
      }
    }
  }
  return safe;
}

}  // namespace

std::string to_yaml_text(const json& value) {
  YAML::Emitter yaml;
  emit(yaml, value);
  return escaped(yaml.c_str());
}

std::string to_json_text(const json& value, int indent) {
  return escaped(value.dump(indent, ' ', false, json::error_handler_t::replace));
}

namespace {

struct Columns {
  std::vector<std::string> header;
  std::vector<std::string> paths;
};

// "NAME:.name,STATE:.cause.reason".
Columns parse_columns(const std::string& text) {
  Columns columns;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string column = text.substr(begin, end - begin);
    const auto colon = column.find(':');
    if (colon == std::string::npos || colon == 0) {
      throw UsageError("custom-columns: \"" + column + "\" is not NAME:PATH",
                       "as in -o custom-columns=TARGET:.target,STATE:.state");
    }
    columns.header.push_back(column.substr(0, colon));
    columns.paths.push_back(column.substr(colon + 1));
    begin = end + 1;
  }
  return columns;
}

// Prints a row for each item.
void print_columns(std::ostream& out, const json& document, const Format& format) {
  const Columns columns = parse_columns(format.expression());
  Table table(columns.header);
  const bool is_list = document.is_object() && document.contains("items");
  for (const json& item : is_list ? document.at("items") : json::array({document})) {
    std::vector<Cell> cells;
    for (const std::string& path : columns.paths) {
      std::vector<std::string> values;
      for (const json& value : find_all(item, path)) {
        values.push_back(plain_text(value));
      }
      cells.emplace_back(join(values, ","));
    }
    table.add(std::move(cells));
  }
  table.print(out, false, format.headers());
}

}  // namespace

void check_expression(const Format& format) {
  if (format == Format::jsonpath) {
    expand(json(), format.expression());
  }
  if (format == Format::custom_columns) {
    for (const std::string& path : parse_columns(format.expression()).paths) {
      find_all(json(), path);
    }
  }
}

void print_structured(std::ostream& out, const json& value, const Format& format) {
  switch (format) {
    case Format::yaml:
      out << to_yaml_text(value) << '\n';
      return;
    case Format::jsonpath:
      out << expand(value, format.expression());
      return;
    case Format::custom_columns:
      print_columns(out, value, format);
      return;
    default:
      out << to_json_text(value, 2) << '\n';
  }
}

json make_list(const char* kind, json items) {
  return {{"apiVersion", api_version}, {"kind", kind}, {"items", std::move(items)}};
}

namespace {

constexpr int gap = 3;      // columns between cells
constexpr int hanging = 2;  // indent of continued rows

// Returns the cells before which each row breaks, so that rows fit and columns stay aligned. The last cell breaks
// between words if it has room.
std::set<std::size_t> breaks_of(const std::vector<int>& widths, int columns) {
  constexpr int least_cell = 24;
  std::set<std::size_t> breaks;
  int column = 0;
  for (std::size_t i = 0; columns > 0 && i < widths.size(); ++i) {
    const int least = i + 1 == widths.size() ? std::min(widths[i], least_cell) : widths[i];
    if (i > 0 && column + least > columns) {
      breaks.insert(i);
      column = hanging;
    }
    column += widths[i] + gap;
  }
  return breaks;
}

}  // namespace

void Table::print(std::ostream& out, bool colour, bool headers) const {
  std::vector<std::vector<Cell>> lines;
  lines.reserve(rows_.size() + 1);
  if (headers) {
    lines.emplace_back(header_.begin(), header_.end());
  }
  lines.insert(lines.end(), rows_.begin(), rows_.end());

  std::vector<int> widths(header_.size());
  for (auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      line[i].text = line[i].text.empty() ? none : printable_line(line[i].text);
      widths[i] = std::max(widths[i], display_width(line[i].text));
    }
  }
  const std::set<std::size_t> breaks = breaks_of(widths, columns_of(out));
  for (const auto& line : lines) {
    std::string text;
    int missing = 0;  // blanks to print before the next cell, so that no line ends in blanks
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (breaks.contains(i)) {
        text += '\n';
        missing = hanging;
      }
      text.append(static_cast<std::size_t>(missing), ' ');
      text += paint(line[i].text, line[i].colour, colour);
      missing = widths[i] - display_width(line[i].text) + gap;
    }
    print_folded(out, text + '\n');
  }
}

void print_error(std::ostream& err, const Error& error) {
  tell(err, "error: " + printable(error.message()) + '\n');
  if (!error.remedy().empty()) {
    tell(err, "hint: " + printable(error.remedy()) + '\n');
  }
}

}  // namespace regsync::cli
