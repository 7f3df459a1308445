#include "sync/base/base64.hpp"

#include <algorithm>
#include <cstddef>

namespace regsync {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// A buffer of this size is never inside the std::string itself. It may hold a password, and heap memory is wiped when
// freed.
constexpr std::size_t on_the_heap = 32;

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view part = bytes.substr(at, 3);
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8U) | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const auto shift = 18U - 6U * static_cast<unsigned>(i);
      text += i <= part.size() ? digits[(group >> shift) & 0x3FU] : '=';
    }
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(std::max(on_the_heap, text.size() / 4 * 3));
  unsigned buffer = 0;
  unsigned bits = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      continue;
    }
    ++count;
    if (c == '=') {
      ++padding;
      continue;
    }
    const auto value = digits.find(c);
    if (value == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    buffer = (buffer << 6U) | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((buffer >> bits) & 0xFFU);
    }
  }
  if (count % 4 != 0 || padding > 2) {
    return std::nullopt;
  }
  return bytes;
}

std::string base64_padded(std::string_view text) {
  std::string padded;
  padded.reserve(std::max(on_the_heap, text.size() + 3));
  padded = text;
  if (text.find('=') == std::string_view::npos) {
    const auto count = std::ranges::count_if(text, [](char c) { return c != '\n' && c != '\r'; });
    padded.append(static_cast<std::size_t>((4 - count % 4) % 4), '=');
  }
  return padded;
}

}  // namespace regsync
