// Percent-encoding (RFC 3986, 2.1). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// The unreserved characters of RFC 3986 other than letters and digits.
inline constexpr std::string_view unreserved = "-._~";

// Keeps ASCII letters, digits and the characters of `plain`; encodes every other byte as %XX.
std::string percent_encoded(std::string_view text, std::string_view plain);

// The byte that the first two characters denote in hexadecimal; nullopt if they are not hexadecimal digits.
std::optional<unsigned char> hex_byte(std::string_view digits);

// Decodes every %XX; keeps any other "%".
std::string percent_decoded(std::string_view text);

}  // namespace regsync
