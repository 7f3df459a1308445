// Asks another credential helper for its logins, as docker would: for `regsync setup --import`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "helper/store/credential.hpp"

namespace regsync::cli {

// Both throw Error(credential_plugin) with the helper's message, which never contains a secret, and Error(timeout) if
// it does not answer. Listing does not prompt; for a login, a helper may ask a person for a passphrase.
std::vector<Login> list_foreign_logins(const std::string& program,
                                       std::chrono::milliseconds timeout = std::chrono::seconds(10));
std::optional<Credential> get_foreign_login(const std::string& program, const std::string& server);

}  // namespace regsync::cli
