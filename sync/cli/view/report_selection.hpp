// What of a StatusReport a person asked for, and whether it is as asked. Pure.
#pragma once

#include <string>
#include <vector>

#include "sync/model/status_report.hpp"

namespace regsync::cli {

// Whether every row is in sync or paused, and no target has a problem. (A locked keyring alone is no reason to wait:
// what was synced stays so. StatusReport::all_in_sync says whether everything is well.)
bool reached(const StatusReport& report);

// Whether waiting longer is of no use: something waits for a person, or is in a context that was tried and cannot be
// used now.
bool is_stuck(const StatusReport& report);

// Only the rows and targets of these contexts and namespaces (globs; none: all). Throws Error(not_found), with the
// nearest name, for a pattern that selects nothing of the report: what is not looked at must not pass as in sync.
StatusReport narrowed(StatusReport report, const std::vector<std::string>& contexts,
                      const std::vector<std::string>& namespaces);

// "2 of 4 Secrets in sync; waiting for web in prod (Unreachable)".
std::string waited_for(const StatusReport& report);

// Only these targets.
StatusReport of_targets(StatusReport report, const std::vector<std::string>& names);

// Only what is not as asked.
StatusReport failing(StatusReport report);

// The groups of the rows, or those that stand in for them.
std::vector<StatusGroup> groups_of(const StatusReport& report);
std::vector<StatusCause> causes_of(const StatusReport& report);

// Targets that have no row, so that they are not overlooked.
std::vector<const TargetStatus*> targets_without_rows(const StatusReport& report);

// "2 targets: 4 Secrets in sync, 1 not, 3 paused".
std::string summary(const StatusReport& report);

}  // namespace regsync::cli
