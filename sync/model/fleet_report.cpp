#include "sync/model/fleet_report.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace regsync {

bool FleetReport::is_complete() const {
  return waits_for.empty() && std::ranges::all_of(overview.contexts, [](const ContextStatus& context) {
           return context.connected || context.problem;
         });
}

void carry_completeness(const FleetReport& before, FleetReport& now) {
  now.was_complete = before.was_complete || before.is_complete();
}

void carry_last_in_sync(const FleetReport& before, FleetReport& now, WallTime when) {
  const auto place_of = [](const StatusGroup& group) { return std::tie(group.target, group.context); };
  const auto& old = before.overview.groups;
  auto known = old.begin();
  for (StatusGroup& group : now.overview.groups) {
    known = std::ranges::lower_bound(known, old.end(), place_of(group), {}, place_of);
    if (!group.is_as_asked() && known != old.end() && place_of(*known) == place_of(group)) {
      group.last_in_sync = known->is_as_asked() ? when : known->last_in_sync;
    }
  }
}

std::string summary_of(const StateCounts& secrets) {
  std::string text = std::to_string(secrets[SyncState::in_sync]) + "/" + std::to_string(secrets.all()) + " in sync";
  for (const auto& [state, word] :
       {std::pair(SyncState::stuck, " stuck"), std::pair(SyncState::retrying, " retrying"),
        std::pair(SyncState::removing, " removing"), std::pair(SyncState::paused, " paused")}) {
    if (const auto count = secrets[state]; count > 0) {
      text += ", " + std::to_string(count) + word;
    }
  }
  return text;
}

}  // namespace regsync
