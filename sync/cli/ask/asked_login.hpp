// Parses the login named on a command line: a registry and an account. Pure; any thread.
#pragma once

#include <string>

#include "helper/store/registry_key.hpp"

namespace regsync::cli {

// account: the value of --account; may be empty, since the registry may contain one (work@ghcr.io). Throws UsageError
// if the two name no login.
RegistryKey asked_login(const std::string& registry, const std::string& account);

}  // namespace regsync::cli
