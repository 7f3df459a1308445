// Parses the login that a command line names: a registry, and an account of it. Pure; any thread.
#pragma once

#include <string>

#include "helper/store/registry_key.hpp"

namespace regsync::cli {

// account: of --account; may be empty, as the registry may name one itself (work@ghcr.io). Throws UsageError where this
// names no login.
RegistryKey asked_login(const std::string& registry, const std::string& account);

}  // namespace regsync::cli
