#include "sync/model/fleet_report.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace regsync {

namespace {

void add_cause(const Error& error, std::vector<FleetCause>& causes) {
  const auto known =
      std::ranges::find(causes, error.code(), [](const FleetCause& cause) { return cause.error.code(); });
  if (known == causes.end()) {
    causes.push_back({error, 1});
  } else {
    ++known->secrets;
  }
}

auto place_of(const FleetCell& cell) { return std::tie(cell.target, cell.context); }

}  // namespace

std::size_t FleetCell::all() const { return std::accumulate(secrets.begin(), secrets.end(), std::size_t{0}); }

std::size_t FleetReport::in(SyncState state) const {
  return std::accumulate(cells.begin(), cells.end(), std::size_t{0},
                         [&](std::size_t sum, const FleetCell& cell) { return sum + cell.in(state); });
}

std::size_t FleetReport::all() const {
  return std::accumulate(cells.begin(), cells.end(), std::size_t{0},
                         [](std::size_t sum, const FleetCell& cell) { return sum + cell.all(); });
}

bool FleetReport::ready() const {
  return waits_for.empty() && std::ranges::all_of(overview.contexts, [](const ContextStatus& context) {
           return context.connected || context.problem;
         });
}

std::optional<FleetCell> cell_of(const std::vector<StatusRow>& rows) {
  if (rows.empty()) {
    return std::nullopt;
  }
  FleetCell cell;
  cell.target = rows.front().target;
  cell.context = rows.front().context;
  for (const StatusRow& row : rows) {
    ++cell.secrets.at(static_cast<std::size_t>(row.state));
    if (is_as_asked(row.state)) {
      continue;
    }
    cell.since = cell.since ? std::min(*cell.since, row.since) : row.since;
    if (row.cause) {
      add_cause(*row.cause, cell.causes);
    }
  }
  return cell;
}

void carry_last_in_sync(const FleetReport& before, FleetReport& now, WallTime when) {
  auto known = before.cells.begin();
  for (FleetCell& cell : now.cells) {
    known = std::lower_bound(known, before.cells.end(), cell,
                             [](const auto& a, const auto& b) { return place_of(a) < place_of(b); });
    if (!cell.in_sync() && known != before.cells.end() && place_of(*known) == place_of(cell)) {
      cell.last_in_sync = known->in_sync() ? when : known->last_in_sync;
    }
  }
}

std::string summary_of(const SecretCounts& secrets) {
  const auto in = [&](SyncState state) { return secrets.at(static_cast<std::size_t>(state)); };
  const auto all = std::accumulate(secrets.begin(), secrets.end(), std::size_t{0});
  std::string text = std::to_string(in(SyncState::in_sync)) + "/" + std::to_string(all) + " in sync";
  for (const auto& [state, word] :
       {std::pair(SyncState::stuck, " stuck"), std::pair(SyncState::retrying, " retrying"),
        std::pair(SyncState::removing, " removing"), std::pair(SyncState::paused, " paused")}) {
    if (const auto count = in(state); count > 0) {
      text += ", " + std::to_string(count) + word;
    }
  }
  return text;
}

}  // namespace regsync
