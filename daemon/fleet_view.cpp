#include "daemon/fleet_view.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <set>
#include <utility>

#include "sync/kube/config/client_environment.hpp"

namespace regsync {

FleetView::FleetView(Parts parts)
    : parts_(std::move(parts)),
      report_([this](const std::shared_ptr<const FleetReport>& before) { return make_report(before.get()); }),
      summary_([this](const auto&) { return make_summary(); }) {}

void FleetView::changed() {
  report_.changed();
  summary_.changed();
}

void FleetView::complete(StatusReport& report) const {
  add_problems(report);
  report.environment = kube::client_environment();
}

FleetReport FleetView::make_report(const FleetReport* before) {
  FleetReport report = parts_.engine.fleet();
  if (before != nullptr) {
    carry_completeness(*before, report);
    carry_last_in_sync(*before, report, std::chrono::system_clock::now());
  }
  add_problems(report.overview);
  if (auto missing = parts_.clusters.waits_for()) {
    report.waits_for.push_back(*std::move(missing));
  }
  if (parts_.member != nullptr) {
    std::ranges::move(parts_.member->waits_for(), std::back_inserter(report.waits_for));
    report.role = parts_.member->role();
    report.slots = parts_.slots;
    report.slots_held = parts_.member->slots_held();
  }
  std::set<std::string> contexts;
  for (const auto& context : report.overview.contexts) {
    contexts.insert(context.name);
  }
  parts_.metrics.keep_contexts(contexts);
  return report;
}

std::string FleetView::make_summary() const {
  return summary_of(parts_.engine.totals()) + (parts_.engine.store_problem() ? "; not all logins can be read" : "");
}

void FleetView::add_problems(StatusReport& report) const {
  std::ranges::move(parts_.problems(), std::back_inserter(report.problems));
  if (const auto note = parts_.member != nullptr ? parts_.member->note() : std::nullopt) {
    report.notes.push_back(*note);
  }
}

}  // namespace regsync
