// Measures YAML from outside before it is parsed. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace regsync {

// Throws Error(invalid_input) if the text holds more than `most` values, estimated from its punctuation. A value takes
// a microsecond and a quarter of a KiB, and the parser keeps the contents of a value until it finds its end: a megabyte
// of brackets would take a quarter of a GiB.
void require_yaml_within(std::string_view text, std::size_t most);

}  // namespace regsync
