// Tells whether a StatusReport is as asked, and what it waits for. Pure.
#pragma once

#include <string>
#include <vector>

#include "sync/model/status_query.hpp"

namespace regsync::cli {

// Whether every row is in sync or paused, and no target has a problem. (A locked keyring alone is no reason to wait:
// what was synced stays so. StatusReport::all_in_sync says whether everything is well.)
bool reached(const StatusReport& report);

// Whether waiting longer is of no use: something waits for a person, or is in a context that was tried and cannot be
// used now.
bool is_stuck(const StatusReport& report);

// "2 of 4 Secrets in sync; waiting for web in prod (Unreachable)".
std::string waited_for(const StatusReport& report);

// The groups of the rows, or those that stand in for them.
std::vector<StatusGroup> groups_of(const StatusReport& report);

// "2 targets: 4 Secrets in sync, 1 not, 3 paused".
std::string summary(const StatusReport& report);

}  // namespace regsync::cli
