// Compares, joins, checks and escapes text. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// Strips leading and trailing white space (of the "C" locale).
std::string_view trim(std::string_view text);

// ASCII letters in lower case; all other bytes as they are.
std::string to_lower(std::string_view text);

// "a, b and 3 more" from any container of strings; names at most `limit` of them.
template <typename Strings>
std::string join(const Strings& strings, std::string_view separator = ", ", std::size_t limit = SIZE_MAX) {
  std::string text;
  std::size_t named = 0;
  for (const auto& string : strings) {
    if (named == limit) {
      return text + " and " + std::to_string(strings.size() - limit) + " more";
    }
    if (named++ > 0) {
      text += separator;
    }
    text += string;
  }
  return text;
}

// Whether the text has bytes below 0x20 or DEL, which can end a header, move the cursor or break a line.
bool has_control_characters(std::string_view text);

// Removes the first character from `text`, which must not be empty, and returns its code point. Returns nullopt and
// leaves `text` unchanged if it does not start with valid UTF-8 (RFC 3629).
std::optional<char32_t> take_code_point(std::string_view& text);
bool is_utf8(std::string_view text);

// Whether it is a C0 or C1 control, a line separator (YAML 1.1's included), or changes the direction of text (Unicode
// Standard Annex 9).
bool changes_the_terminal(char32_t point);

// The longest prefix of UTF-8 text within this many bytes that does not end inside a character.
std::string_view prefix_of(std::string_view text, std::size_t bytes);

// One line that cannot move the cursor: each run of control characters, line ends and characters that change the
// direction of text becomes a space, and U+FFFD replaces invalid UTF-8.
std::string one_line(std::string_view raw);

// One line, of at most 600 bytes, from the output of a server or another program, without any request body that it
// echoes.
std::string presentable(std::string_view raw);
// The same in double quotes.
std::string in_quotes(std::string_view raw);

}  // namespace regsync
