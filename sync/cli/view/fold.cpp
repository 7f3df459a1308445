#include "sync/cli/view/fold.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

#include "sync/cli/view/text.hpp"

namespace regsync::cli {
namespace {

constexpr std::string_view reset = "\x1b[0m";
constexpr std::string_view between_cells = "   ";

// The programs that remedies mention.
constexpr std::array<std::string_view, 21> programs = {
    "regsync",  "regsyncd",    "kubectl", "docker", "podman", "systemctl", "journalctl",
    "loginctl", "timedatectl", "sysctl",  "apt",    "echo",   "curl",      "skopeo",
    "rm",       "mv",          "ls",      "chmod",  "kill",   "ss",        "unset"};

// Labels before a sentence, which may begin with the name of a program.
constexpr std::array<std::string_view, 3> labels = {"error: ", "warning: ", "note: "};

// Returns the end of the command that starts at `at`, or `at` if none does.
std::size_t end_of_command(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::string_view rest = text.substr(at);
  if (rest.starts_with('`')) {
    const auto end = rest.find('`', 1);
    return end == std::string_view::npos ? at : at + end + 1;
  }
  const std::string_view word = rest.substr(0, rest.find(' '));
  const bool is_indented = !before.empty() && before.find_first_not_of(' ') == std::string_view::npos;
  const bool begins_sentence = std::ranges::find(labels, before) != labels.end();
  const bool follows = is_indented || before.ends_with("-> ") || (before.ends_with(": ") && !begins_sentence);
  if (!follows || std::ranges::find(programs, word) == programs.end()) {
    return at;
  }
  bool is_quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    is_quoted = is_quoted != (rest[i] == '\'');
    const std::string_view next = rest.substr(i);
    if (!is_quoted && (next.starts_with("; ") || next.starts_with(" (") || next.starts_with('\x1b'))) {
      return at + i;
    }
  }
  return text.size();
}

struct Part {
  std::string_view blanks;  // before it
  std::string_view text;
};

// Splits into words; each command counts as one.
std::vector<Part> words_of(std::string_view text) {
  std::vector<Part> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = std::min(text.find_first_not_of(' ', at), text.size());
    const std::size_t end = std::min(text.find(' ', std::max(begin, end_of_command(text, begin))), text.size());
    words.push_back({text.substr(at, begin - at), text.substr(begin, end - begin)});
    at = end;
  }
  return words;
}

std::vector<Part> cells_of(std::string_view row) {
  std::vector<Part> cells;
  for (std::size_t at = 0; at < row.size();) {
    const std::size_t begin = std::min(row.find_first_not_of(' ', at), row.size());
    const std::size_t end = std::min(row.find(between_cells, begin), row.size());
    cells.push_back({row.substr(at, begin - at), row.substr(begin, end - begin)});
    at = end;
  }
  return cells;
}

// The active colour after a text.
std::string_view colour_after(std::string_view text, std::string_view before) {
  const auto escape = text.rfind("\x1b[");
  if (escape == std::string_view::npos) {
    return before;
  }
  const std::string_view colour = text.substr(escape, text.find('m', escape) + 1 - escape);
  return colour == reset ? "" : colour;
}

// Breaks lines; indents continuation lines, and keeps a comment a comment.
std::string laid_out(const std::vector<Part>& parts, int columns, int indent, bool is_comment = false) {
  const std::string margin = std::string(static_cast<std::size_t>(indent), ' ') + (is_comment ? "# " : "");
  std::string text;
  std::string_view colour;
  int column = 0;
  for (const Part& part : parts) {
    const int width = display_width(part.text);
    const int blanks = static_cast<int>(part.blanks.size());
    if (column > static_cast<int>(margin.size()) && column + blanks + width > columns) {
      text.append(colour.empty() ? "" : reset).append("\n").append(margin).append(colour);
      column = static_cast<int>(margin.size());
    } else {
      text += part.blanks;
      column += blanks;
    }
    text += part.text;
    column += width;
    colour = colour_after(part.text, colour);
  }
  return text;
}

std::string fold_line(std::string_view line, int columns) {
  constexpr int hanging = 2;
  constexpr int least_cell = 24;  // the smallest readable width
  if (display_width(line) <= columns) {
    return std::string(line);
  }
  const std::vector<Part> cells = cells_of(line);
  const std::string_view last = cells.back().text;
  const std::string_view others = line.substr(0, line.size() - last.size());
  const int indent = display_width(others);
  const bool is_comment = last.starts_with("# ");
  if (cells.size() > 1 && indent > columns - least_cell) {
    return laid_out(cells, columns, hanging);
  }
  if (cells.size() > 1 || is_comment) {
    std::vector<Part> parts = words_of(last);
    parts.front().blanks = others;
    return laid_out(parts, columns, indent, is_comment);
  }
  return laid_out(words_of(line), columns, std::min(indent + hanging, columns / 2));
}

int index_of_columns() {
  static const int index = std::ios_base::xalloc();
  return index;
}

}  // namespace

std::string folded(std::string_view text, int columns) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    result += fold_line(text.substr(0, end), columns);
    result += end < text.size() ? "\n" : "";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

void set_columns(std::ostream& stream, int columns) { stream.iword(index_of_columns()) = columns; }

int columns_of(std::ostream& stream) { return static_cast<int>(stream.iword(index_of_columns())); }

void print_folded(std::ostream& stream, std::string_view text) {
  const int columns = columns_of(stream);
  stream << (columns > 0 ? folded(text, columns) : std::string(text));
}

void tell(std::ostream& stream, std::string_view text) { print_folded(stream, as_called(text)); }

}  // namespace regsync::cli
