#include "sync/base/percent_encoding.hpp"

#include <charconv>
#include <system_error>

namespace regsync {

std::string percent_encoded(std::string_view text, std::string_view plain) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (alphanumeric || plain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append({'%', hex[byte >> 4U], hex[byte & 0xFU]});
    }
  }
  return encoded;
}

std::optional<unsigned char> hex_byte(std::string_view digits) {
  digits = digits.substr(0, 2);
  unsigned char byte = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
  const bool whole = read.ec == std::errc() && read.ptr == digits.data() + digits.size();
  return whole && digits.size() == 2 ? std::optional(byte) : std::nullopt;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' ? hex_byte(text.substr(i + 1)) : std::nullopt;
    decoded += byte ? static_cast<char>(*byte) : text[i];
    i += byte ? 2 : 0;
  }
  return decoded;
}

}  // namespace regsync
