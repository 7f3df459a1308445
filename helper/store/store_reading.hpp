// One reading of the secret store: what the daemon's monitor hands to the sync engine.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

// Either a complete reading (problem is empty), or the reason why there is none. A reading with a problem says
// nothing about which logins exist: whoever gets one keeps what it knew (absent is not deleted).
struct StoreReading {
  std::set<RegistryKey> asked;          // the registries that this reading was asked for; others are unknown
  std::vector<Credential> credentials;  // of the registries that were asked for, with their secrets
  std::vector<Login> all;               // every login in the store, names only
  std::optional<Error> problem;         // locked, store_unavailable, …
};

}  // namespace regsync
