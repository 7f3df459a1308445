// Formats a FleetReport for programs: /status.json and /metrics. Pure; any thread. Neither contains a secret or the
// user name of a login.
#pragma once

#include <string>

#include "sync/model/fleet_report.hpp"

namespace regsync {

// {"apiVersion": "regsync.dev/v1", "kind": "Fleet", …}: see regsyncd(8). Equal reports produce equal documents.
std::string fleet_document(const FleetReport& report);

// In the text exposition format of Prometheus. Label values are names of targets and contexts, states, and the version.
// The number of series depends on the configured pairs of target and context, not on the content of the clusters.
std::string fleet_metrics(const FleetReport& report, WallTime now);

}  // namespace regsync
