// Measures YAML that comes from outside, before anything is built of it. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace regsync {

// Throws Error(invalid_input) where the text holds more values than `most`, as far as its punctuation tells. A value
// takes a microsecond and a quarter of a KiB, and to find the end of one the parser keeps all that is in it: a megabyte
// of brackets would take a quarter of a GiB.
void require_yaml_within(std::string_view text, std::size_t most);

}  // namespace regsync
