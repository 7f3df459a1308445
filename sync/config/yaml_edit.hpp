// Changes one key of a YAML file that a person wrote, and leaves the rest as it is, comments included. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// The text of a mapping in block style with the top-level `key` set to `value`, YAML of one line, or without the key
// where there is no value. A comment behind a value of one line stays. A text of another style gives a text that does
// not parse as what was meant: the caller compares.
std::string with_key(std::string_view yaml, std::string_view key, const std::optional<std::string>& value);

}  // namespace regsync
