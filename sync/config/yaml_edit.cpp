#include "sync/config/yaml_edit.hpp"

#include <algorithm>
#include <vector>

namespace regsync {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool begins_key(const std::string& line, std::string_view key) {
  return line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':';
}

// Whether the line goes on with the value of a top-level key above it.
bool continues(const std::string& line) {
  return line.starts_with(' ') || line.starts_with('\t') || line.starts_with("- ") || line == "-";
}

// " # why" at the end of a line, outside of quotes.
std::string comment_of(const std::string& line) {
  char quote = 0;
  for (std::size_t i = 1; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (line[i - 1] == ' ' || line[i - 1] == '\t')) {
      const auto begin = line.find_last_not_of(" \t", i - 1);
      return line.substr(begin == std::string::npos ? i : begin + 1);
    }
  }
  return {};
}

}  // namespace

std::string with_key(std::string_view yaml, std::string_view key, const std::optional<std::string>& value) {
  std::vector<std::string> lines = lines_of(yaml);
  const auto first = std::ranges::find_if(lines, [&](const std::string& line) { return begins_key(line, key); });
  const auto last = first == lines.end() ? first : std::find_if_not(first + 1, lines.end(), continues);
  if (value) {
    std::string line = std::string(key) + ": " + *value;
    if (last - first == 1) {
      line += comment_of(*first);
    }
    const auto place = lines.erase(first, last);
    lines.insert(place, std::move(line));
  } else {
    lines.erase(first, last);
  }
  std::string text;
  for (const std::string& line : lines) {
    text += line + '\n';
  }
  return text;
}

}  // namespace regsync
