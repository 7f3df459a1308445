// FleetView makes the reports about this process and its clusters: the report behind the page, the metrics and the
// notices, and the status line of `systemctl status`. It adds process-level facts to the engine's status.
//
// Owned by the Daemon; the Parts must outlive it, and their exceptions pass through. Lives on the io_context thread;
// any thread may read the values that it returns.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "daemon/cluster_source.hpp"
#include "daemon/paced.hpp"
#include "helper/base/error.hpp"
#include "sync/base/metrics.hpp"
#include "sync/engine/engine.hpp"
#include "sync/fleet/fleet_member.hpp"
#include "sync/model/fleet_report.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

class FleetView {
 public:
  struct Parts {
    const Engine& engine;
    const ClusterSource& clusters;
    const FleetMember* member = nullptr;           // null: this process is not a replica
    std::size_t slots = 1;                         // of the member's lease
    Metrics& metrics;                              // each report drops the metrics of contexts that it lacks
    std::function<std::vector<Error>()> problems;  // of the process itself
  };

  explicit FleetView(Parts parts);

  // Marks the cached report and summary as outdated.
  void changed();

  [[nodiscard]] Paced<FleetReport>& report() { return report_; }
  [[nodiscard]] Paced<std::string>& summary() { return summary_; }

  // Adds the process-level facts to a status of the engine.
  void complete(StatusReport& report) const;

 private:
  // before: the previous report, or null.
  FleetReport make_report(const FleetReport* before);
  [[nodiscard]] std::string make_summary() const;
  void add_problems(StatusReport& report) const;

  Parts parts_;
  Paced<FleetReport> report_;
  Paced<std::string> summary_;
};

}  // namespace regsync
