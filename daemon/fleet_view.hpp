// FleetView makes what this process shows of itself and its clusters: the report of the page, the metrics and the
// notices, and the line of `systemctl status`. It adds to the engine's status what only the process knows.
//
// Owned by the Daemon; reads parts that outlive it, and throws what they throw. Lives on the io_context thread; the
// values that it made may be read on any.
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
    const FleetMember* member = nullptr;           // null: this is no replica
    std::size_t slots = 1;                         // of the member's lease
    Metrics& metrics;                              // keeps those of the contexts that the report has
    std::function<std::vector<Error>()> problems;  // of the process itself
  };

  explicit FleetView(Parts parts);

  // What it shows may be something else now.
  void changed();

  [[nodiscard]] Paced<FleetReport>& report() { return report_; }
  [[nodiscard]] Paced<std::string>& summary() { return summary_; }

  // Adds to a status of the engine what only the process knows.
  void complete(StatusReport& report) const;

 private:
  // before: the last one; null at first.
  FleetReport make_report(const FleetReport* before);
  [[nodiscard]] std::string make_summary() const;
  void add_problems(StatusReport& report) const;

  Parts parts_;
  Paced<FleetReport> report_;
  Paced<std::string> summary_;
};

}  // namespace regsync
