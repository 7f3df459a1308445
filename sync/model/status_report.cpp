#include "sync/model/status_report.hpp"

#include <algorithm>

namespace regsync {

std::string_view to_string(SyncState state) {
  switch (state) {
    case SyncState::in_sync:
      return "InSync";
    case SyncState::pending:
      return "Pending";
    case SyncState::retrying:
      return "Retrying";
    case SyncState::stuck:
      return "Stuck";
    case SyncState::removing:
      return "Removing";
  }
  return "Pending";
}

bool StatusReport::all_in_sync() const {
  return !store && std::ranges::all_of(rows, [](const StatusRow& row) { return row.state == SyncState::in_sync; }) &&
         std::ranges::all_of(targets, [](const TargetStatus& target) { return target.problems.empty(); }) &&
         std::ranges::none_of(contexts, [](const ContextStatus& context) { return context.problem.has_value(); });
}

}  // namespace regsync
