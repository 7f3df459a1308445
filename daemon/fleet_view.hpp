// The FleetReport that is shown now. Made when somebody looks and something changed, and so seldom that its making
// takes a small part of the time at most: a report over a million Secrets may be a minute old, one over a thousand is
// not.
//
// Lives on the io_context thread; the reports may be read on any.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "sync/model/fleet_report.hpp"

namespace regsync {

class FleetView {
 public:
  using Report = std::shared_ptr<const FleetReport>;

  explicit FleetView(std::function<FleetReport()> make) : make_(std::move(make)) {}

  // The report may be another one now.
  void changed() { stale_ = true; }

  Report look();

  // Whether the last look() may have shown what is no longer so.
  [[nodiscard]] bool stale() const { return stale_; }

 private:
  std::function<FleetReport()> make_;
  Report last_;
  bool stale_ = true;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace regsync
