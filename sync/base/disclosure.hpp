// Detects texts from other programs and servers that must not be logged because they may hold a secret. Pure; any
// thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace regsync {

// Whether the text seems to hold a secret: a private key, a JSON Web Token, a value under a name for one ("password=…",
// "\"token\": \"…\"", "secret is …"), a token by its prefix, a password in a URL, or a long word of small and capital
// letters and digits; also in JSON or URL escapes. A heuristic: do not use it for a text that is known to hold a
// secret.
bool may_disclose(std::string_view text);

// The output of another program or a server, as presentable(), or a note that it is not shown because it may hold a
// secret. Pass the whole text: a part may lack the name that marks a value as a secret. Shows at most `most` bytes.
std::string presentable_unless_secret(std::string_view said, std::size_t most = std::string_view::npos);

}  // namespace regsync
