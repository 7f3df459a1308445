#include "sync/base/percent_encoding.hpp"

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

}  // namespace regsync
