#include "helper/base/text.hpp"

#include <algorithm>
#include <array>

namespace regsync {

namespace {

constexpr std::size_t longest_text = 600;
constexpr std::string_view replacement = "\uFFFD";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool changes_the_terminal(char32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 || point == 0x061c ||
         point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n\f\v";
  text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
  return text.substr(0, text.find_last_not_of(white_space) + 1);
}

std::string to_lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), lower);
  return lowered;
}

bool has_control_characters(std::string_view text) { return std::ranges::any_of(text, is_control); }

std::optional<char32_t> take_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 0;
  if (size == 0 || size > text.size()) {
    return std::nullopt;
  }
  char32_t point = size == 1 ? lead : lead & (0x7FU >> size);
  for (const char byte : text.substr(1, size - 1)) {
    const auto next = static_cast<unsigned char>(byte);
    if ((next & 0xC0U) != 0x80) {
      return std::nullopt;
    }
    point = point << 6U | (next & 0x3FU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};  // smaller ones are overlong
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  if (point < least.at(size) || surrogate || point > 0x10FFFF) {
    return std::nullopt;
  }
  text.remove_prefix(size);
  return point;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (!take_code_point(text)) {
      return false;
    }
  }
  return true;
}

std::string_view prefix_of(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) {
    return text;
  }
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) {
    --bytes;
  }
  return text.substr(0, bytes);
}

std::string one_line(std::string_view raw) {
  std::string clean;
  clean.reserve(raw.size());
  while (!raw.empty()) {
    const std::string_view before = raw;
    const auto point = take_code_point(raw);
    if (!point) {
      raw.remove_prefix(1);
      clean += replacement;
    } else if (!changes_the_terminal(*point)) {
      clean += before.substr(0, before.size() - raw.size());
    } else if (!clean.empty() && clean.back() != ' ') {
      clean += ' ';
    }
  }
  clean.erase(clean.find_last_not_of(' ') + 1);
  return clean;
}

std::string presentable(std::string_view raw) {
  // A server's JSON decoder quotes the request body after this text: it may hold a secret.
  raw = raw.substr(0, raw.find(", error found in #"));
  std::string line = one_line(raw.substr(0, 2 * longest_text));
  if (line.size() <= longest_text) {
    return line;
  }
  return std::string(prefix_of(line, longest_text)) + "…";
}

std::string in_quotes(std::string_view raw) { return '"' + presentable(raw) + '"'; }

}  // namespace regsync
