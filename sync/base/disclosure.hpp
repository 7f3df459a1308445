// Decides whether a text of another program or a server may be logged. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

// Whether it looks as if it held a secret: a private key, a JSON Web Token, or a value under a name for one
// ("password=…", "\"token\": \"…\""). A guess: a text that is known to hold one must not be asked about.
bool may_disclose(std::string_view text);

// What another program or a server says, as presentable(); where it may hold a secret, that it is not shown. Give it
// the whole text: a part may be without the name that tells a value for a secret.
std::string presentable_unless_secret(std::string_view said);

}  // namespace regsync
