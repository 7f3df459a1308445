// Makes the plans of targets in this process, for commands that show what regsyncd would write. Blocks; one thread.
#pragma once

#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync::cli {

// One plan per target. A person waits for the answer, so the store may ask to be unlocked. Throws locked or
// store_unavailable.
DesiredState::Plans make_plans(Console& console, const std::vector<Target>& targets);

// The payload that a plan makes of a Secret as it is (null: there is none): its own entries, and those it carries over.
Payload payload_for(const Plan& plan, const nlohmann::json& secret);

}  // namespace regsync::cli
