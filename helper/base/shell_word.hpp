// An argument of a command that people are told to run. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

// A word of a POSIX shell with exactly this value; quoted only where that is needed.
std::string shell_word(std::string_view text);

}  // namespace regsync
