// Decides whether a text of another program or a server may be logged. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace regsync {

// Whether it looks as if it held a secret: a private key, a JSON Web Token, a value under a name for one ("password=…",
// "\"token\": \"…\"", "secret is …"), a token by its prefix, a password in a URL, or a long word of small and capital
// letters and digits; also behind the escapes of JSON and URLs. A guess: a text that is known to hold one must not be
// asked about.
bool may_disclose(std::string_view text);

// What another program or a server says, as presentable(); where it may hold a secret, that it is not shown. Give it
// the whole text: a part may be without the name that tells a value for a secret. Shows at most so many bytes of it.
std::string presentable_unless_secret(std::string_view said, std::size_t most = std::string_view::npos);

}  // namespace regsync
