// Quotes a text so that a POSIX shell reads it as one word. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

// A word of a POSIX shell with exactly this value; quoted only where that is needed.
std::string shell_word(std::string_view text);

}  // namespace regsync
