// Compares, joins, checks and escapes text. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// Without the white space (of C's "C" locale) around it.
std::string_view trim(std::string_view text);

// ASCII letters in lower case; all other bytes as they are.
std::string to_lower(std::string_view text);

// "a, b and 3 more" of any container of strings; at most `limit` are named.
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

// Bytes below 0x20, and DEL: what ends a header, moves a cursor or breaks a line.
bool has_control_characters(std::string_view text);

// Takes the first character off `text`, which is not empty: its code point, or nothing (and `text` as it was) where it
// does not start with UTF-8 as RFC 3629 has it.
std::optional<char32_t> take_code_point(std::string_view& text);
bool is_utf8(std::string_view text);

// C0 and C1 controls, line separators (those of YAML 1.1 too), and what changes the direction of text (Unicode Standard
// Annex 9).
bool changes_the_terminal(char32_t point);

// At most so many bytes of the beginning of UTF-8, without a part of a character at the end.
std::string_view prefix_of(std::string_view text, std::size_t bytes);

// One line that cannot move a cursor: each run of control characters, line ends and characters that change the
// direction of text becomes a blank, and U+FFFD stands for what is not UTF-8.
std::string one_line(std::string_view raw);

// One line of what a server or another program says, without a request body that it echoes, of at most 600 bytes.
std::string presentable(std::string_view raw);
// The same between double quotes.
std::string in_quotes(std::string_view raw);

}  // namespace regsync
