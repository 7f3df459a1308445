// Quotes a text so that a POSIX shell reads it as one word. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

// Returns a POSIX shell word with exactly this value, quoted only if needed.
std::string shell_word(std::string_view text);

}  // namespace regsync
