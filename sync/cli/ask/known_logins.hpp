// The logins of some targets, as regsyncd would know them now.
#pragma once

#include <chrono>
#include <set>
#include <vector>

#include "sync/cli/console.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync::cli {

// Reads the keyring, and asks the helpers that Docker's credHelpers names, by the engine's own LoginBook in this
// process. What cannot be read is in the result's problems, as the engine has it; throws Error(invalid_input) only for
// a config.json of Docker that cannot be used. Waits up to `time` for slow helpers.
KnownLogins read_logins(Console& console, const std::vector<Target>& targets, Prompt prompt,
                        std::chrono::milliseconds time = std::chrono::seconds(10));

// One reading of the keyring. A keyring that cannot be read says nothing about which logins exist: the reading then has
// a problem.
StoreReading read_store(Console& console, const std::set<RegistryKey>& wanted, Prompt prompt);

}  // namespace regsync::cli
