#include "sync/config/yaml_edit.hpp"

#include <algorithm>
#include <iterator>

namespace regsync {

namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view blanks = " \t\r";

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string text_of(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + '\n';
  }
  return text;
}

bool is_one_of(char c, std::string_view characters) { return characters.find(c) != std::string_view::npos; }

// Where the line's value begins, after the colon, if the line has this key: `key:`, `key :`, `"key":` or `'key':`.
std::optional<std::size_t> value_of(const std::string& text, std::string_view key) {
  const std::string_view line = text;
  const bool quoted = line.starts_with('"') || line.starts_with('\'');
  const std::size_t begin = quoted ? 1 : 0;
  std::size_t end = begin + key.size();
  if (line.substr(begin, key.size()) != key || (quoted && line.substr(end, 1) != line.substr(0, 1))) {
    return std::nullopt;
  }
  end = line.find_first_not_of(" \t", end + begin);
  const bool is_key =
      end != std::string_view::npos && line[end] == ':' && (end + 1 == line.size() || is_one_of(line[end + 1], blanks));
  return is_key ? std::optional(end + 1) : std::nullopt;
}

// Whether the line continues the value of a top-level key above it.
bool continues(std::string_view line) {
  return line == "-" || line.starts_with("- ") || (!line.empty() && is_one_of(line.front(), " \t]}"));
}

// Such a line belongs to the value above if more of that value follows.
bool is_blank_or_comment(std::string_view line) {
  const auto content = line.find_first_not_of(blanks);
  return content == std::string_view::npos || line[content] == '#';
}

Lines::iterator find_key(Lines& lines, std::string_view key) {
  return std::ranges::find_if(lines, [&](const std::string& line) { return value_of(line, key).has_value(); });
}

// The line after the last one of the value that begins on `first`.
Lines::iterator end_of_value(Lines& lines, Lines::iterator first) {
  auto last = first + 1;
  for (auto line = last; line != lines.end(); ++line) {
    if (is_blank_or_comment(*line)) {
      continue;
    }
    if (!continues(*line)) {
      break;
    }
    last = line + 1;
  }
  return last;
}

// What the YAML parser does not report.
struct Marks {
  std::vector<std::size_t> comments;  // where each starts
  bool anchors = false;
};

Marks marks_of(std::string_view yaml) {
  Marks marks;
  char quote = 0;
  char before = '\n';
  for (std::size_t i = 0; i < yaml.size(); ++i) {
    const char c = yaml[i];
    const bool begins_value = is_one_of(before, " \t\r\n[{,:");
    if (quote != 0) {
      const bool escapes = quote == '"' ? c == '\\' : c == quote && yaml.substr(i + 1, 1) == "'";
      i += escapes ? 1 : 0;
      quote = !escapes && c == quote ? '\0' : quote;
    } else if (is_one_of(c, "\"'") && begins_value) {
      quote = c;
    } else if (c == '#' && is_one_of(before, " \t\r\n")) {
      marks.comments.push_back(i);
      i = std::min(yaml.find('\n', i), yaml.size()) - 1;
    } else if (is_one_of(c, "&*") && begins_value) {
      marks.anchors = true;
    }
    before = i < yaml.size() ? yaml[i] : '\n';
  }
  return marks;
}

// The " # why" at the end of a line, outside of quotes.
std::string comment_of(const std::string& line) {
  const Marks marks = marks_of(line);
  if (marks.comments.empty()) {
    return {};
  }
  const auto content = line.substr(0, marks.comments.front()).find_last_not_of(" \t");
  return line.substr(content == std::string::npos ? 0 : content + 1);
}

// The "  - " of a line that holds an item of a list.
std::optional<std::string> bullet_of(const std::string& line) {
  const auto dash = line.find_first_not_of(' ');
  if (dash == std::string::npos || line[dash] != '-') {
    return std::nullopt;
  }
  const auto item = line.find_first_not_of(' ', dash + 1);
  const bool is_item = item != std::string::npos && item > dash + 1 && !is_one_of(line[item], "#\r");
  return is_item ? std::optional(line.substr(0, item)) : std::nullopt;
}

// Which items stay; nothing if the remaining items are in another order.
std::optional<std::vector<bool>> kept(const ItemsChange& change) {
  std::vector<bool> stays;
  std::size_t count = 0;
  for (const std::string& item : change.before) {
    stays.push_back(std::ranges::find(change.after, item) != change.after.end());
    if (stays.back() && (count == change.after.size() || change.after[count++] != item)) {
      return std::nullopt;
    }
  }
  return stays;
}

}  // namespace

std::string with_key(std::string_view yaml, std::string_view key, const std::optional<std::string>& value) {
  Lines lines = lines_of(yaml);
  const auto first = find_key(lines, key);
  if (first != lines.end()) {
    const std::string changed =
        value ? first->substr(0, *value_of(*first, key)) + " " + *value + comment_of(*first) : std::string();
    const auto place = lines.erase(first, end_of_value(lines, first));
    if (value) {
      lines.insert(place, changed);
    }
  } else if (value) {
    const auto end_of_document = std::ranges::find_if(
        lines, [](const std::string& line) { return line.starts_with("...") && is_blank_or_comment(line.substr(3)); });
    lines.insert(end_of_document, std::string(key) + ": " + *value);
  }
  return text_of(lines);
}

std::optional<std::string> with_items(std::string_view yaml, std::string_view key, const ItemsChange& change) {
  Lines lines = lines_of(yaml);
  const auto stays = kept(change);
  const auto first = find_key(lines, key);
  if (!stays || first == lines.end()) {
    return std::nullopt;
  }
  const auto end = end_of_value(lines, first);
  Lines value;
  std::size_t count = 0;
  for (auto line = first + 1; line != end; ++line) {
    const auto bullet = bullet_of(*line);
    if (bullet && count == stays->size()) {
      return std::nullopt;
    }
    if (!bullet || (*stays)[count]) {
      value.push_back(*line);
    }
    count += bullet ? 1 : 0;
    if (bullet && count == stays->size()) {
      std::transform(change.after.begin() + std::ranges::count(*stays, true), change.after.end(),
                     std::back_inserter(value), [&](const std::string& item) { return *bullet + item; });
    }
  }
  if (count == 0 || count != stays->size()) {
    return std::nullopt;
  }
  lines.insert(lines.erase(first + 1, end), value.begin(), value.end());
  return text_of(lines);
}

std::vector<std::string> comments_of(std::string_view yaml) {
  std::vector<std::string> comments;
  for (const std::size_t begin : marks_of(yaml).comments) {
    comments.emplace_back(yaml.substr(begin, yaml.find('\n', begin) - begin));
  }
  return comments;
}

bool has_anchors(std::string_view yaml) { return marks_of(yaml).anchors; }

bool has_comments_or_anchors(std::string_view yaml) { return !comments_of(yaml).empty() || has_anchors(yaml); }

}  // namespace regsync
