// Makes the plans of targets in this process, for commands that show what regsyncd would write. Blocks; one thread.
#pragma once

#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync::cli {

// Makes one plan for each target. The store may prompt to be unlocked, since a person waits for the answer. Throws
// locked or store_unavailable.
DesiredState::Plans make_plans(Console& console, const std::vector<Target>& targets);

// Returns the payload that a plan makes for a present Secret (null: none): its own entries, and those that it keeps.
Payload payload_for(const Plan& plan, const nlohmann::json& secret);

}  // namespace regsync::cli
