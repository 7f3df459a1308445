#include "daemon/fleet_view.hpp"

namespace regsync {

namespace {

constexpr int part_of_time = 20;  // at most a twentieth

}  // namespace

FleetView::Report FleetView::look() {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  if (last_ && (!stale_ || begin < next_)) {
    return last_;
  }
  stale_ = false;
  auto report = std::make_shared<FleetReport>(make_());
  if (last_) {
    carry_last_in_sync(*last_, *report, std::chrono::system_clock::now());
  }
  last_ = std::move(report);
  const auto end = steady_clock::now();
  next_ = end + part_of_time * (end - begin);
  return last_;
}

}  // namespace regsync
