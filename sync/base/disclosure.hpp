// Whether a text of another program may be repeated in a log. Pure; any thread.
#pragma once

#include <string_view>

namespace regsync {

// Whether it looks as if it held a secret: a private key, a JSON Web Token, or a value under a name for one
// ("password=…", "\"token\": \"…\""). A guess: a text that is known to hold one must not be asked about.
bool may_disclose(std::string_view text);

}  // namespace regsync
