// Evaluates a StatusReport: whether it is in sync, and what it waits for. Pure.
#pragma once

#include <string>
#include <vector>

#include "sync/model/status_query.hpp"

namespace regsync::cli {

// Whether every row is in sync or paused, and no target has a problem. A locked keyring alone is no reason to wait,
// since synced Secrets stay in sync. (StatusReport::all_in_sync also covers such problems.)
bool reached(const StatusReport& report);

// Whether waiting longer is useless: something needs a person, or a context was tried and is unusable now.
bool is_stuck(const StatusReport& report);

// "2 of 4 Secrets in sync; waiting for web in prod (Unreachable)".
std::string waited_for(const StatusReport& report);

// Returns the report's groups, or groups made from its rows if it has none.
std::vector<StatusGroup> groups_of(const StatusReport& report);

// "2 targets: 4 Secrets in sync, 1 not, 3 paused".
std::string summary(const StatusReport& report);

}  // namespace regsync::cli
