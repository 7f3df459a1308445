// A FleetReport as programs read it: /status.json and /metrics. Pure; any thread. No secret and no user name of a
// login is in it.
#pragma once

#include <string>

#include "sync/model/fleet_report.hpp"

namespace regsync {

// {"apiVersion": "regsync.dev/v1", "kind": "Fleet", …}: see regsyncd(8). Equal reports give equal documents.
std::string fleet_document(const FleetReport& report);

// In the text exposition format of Prometheus. A label's values are names of targets and contexts, states and the
// version: as many series as the configuration has pairs of targets and contexts, whatever the clusters hold.
std::string fleet_metrics(const FleetReport& report, WallTime now);

}  // namespace regsync
