// Percent-encoding (RFC 3986, 2.1). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// Of RFC 3986's unreserved characters, those that are neither letter nor digit.
inline constexpr std::string_view unreserved = "-._~";

// ASCII letters, digits and the characters of `plain` stay; every other byte becomes %XX.
std::string percent_encoded(std::string_view text, std::string_view plain);

// The byte that the first two characters are in hexadecimal digits; nothing where they are not.
std::optional<unsigned char> hex_byte(std::string_view digits);

// Every %XX is the byte it stands for; any other "%" stays.
std::string percent_decoded(std::string_view text);

}  // namespace regsync
