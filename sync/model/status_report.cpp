#include "sync/model/status_report.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string_view>

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
    case SyncState::terminating:
      return "Terminating";
    case SyncState::paused:
      return "Paused";
  }
  return "Pending";
}

bool is_as_asked(SyncState state) {
  return state == SyncState::in_sync || state == SyncState::terminating || state == SyncState::paused;
}

StateCounts::StateCounts(std::initializer_list<std::pair<SyncState, std::size_t>> counts) {
  for (const auto& [state, count] : counts) {
    (*this)[state] += count;
  }
}

StateCounts& StateCounts::operator+=(const StateCounts& other) {
  std::ranges::transform(counts_, other.counts_, counts_.begin(), std::plus());
  return *this;
}

StateCounts& StateCounts::operator-=(const StateCounts& other) {
  std::ranges::transform(counts_, other.counts_, counts_.begin(), std::minus());
  return *this;
}

std::size_t StateCounts::all() const { return std::accumulate(counts_.begin(), counts_.end(), std::size_t{0}); }

std::size_t StateCounts::as_asked() const {
  std::size_t sum = 0;
  for (const SyncState state : sync_states) {
    sum += is_as_asked(state) ? (*this)[state] : 0;
  }
  return sum;
}

bool StatusReport::all_in_sync() const {
  return !store && std::ranges::all_of(rows, [](const StatusRow& row) { return is_as_asked(row.state); }) &&
         std::ranges::all_of(groups, &StatusGroup::is_as_asked) &&
         std::ranges::all_of(targets,
                             [](const TargetStatus& target) { return target.paused || target.problems.empty(); }) &&
         std::ranges::all_of(contexts, [](const ContextStatus& context) { return context.paused || !context.problem; });
}

namespace {

void add_cause(const StatusRow& row, std::vector<StatusCause>& causes) {
  constexpr std::size_t named = 3;
  const auto has_code = [&](const StatusCause& cause) { return cause.error.code() == row.cause->code(); };
  auto cause = std::ranges::find_if(causes, has_code);
  if (cause == causes.end()) {
    cause = causes.insert(cause, {.error = *row.cause});
  }
  ++cause->count;
  cause->alike = cause->alike && cause->error.message() == row.cause->message();
  if (cause->namespaces.size() < named) {
    cause->namespaces.push_back(row.name_space);
  }
}

void add_row(const StatusRow& row, StatusGroup& group) {
  ++group.states[row.state];
  group.since = std::max(group.since, row.since);
  if (!is_as_asked(row.state)) {
    ++group.reasons[std::string(row.cause ? to_string(row.cause->code()) : to_string(row.state))];
    group.failing_since = std::min(group.failing_since.value_or(row.since), row.since);
  }
  if (row.cause) {
    add_cause(row, group.causes);
  }
}

}  // namespace

std::vector<StatusGroup> groups_of(const std::vector<StatusRow>& rows) {
  std::vector<StatusGroup> groups;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> known;
  const StatusRow* before = nullptr;
  std::size_t at = 0;
  for (const StatusRow& row : rows) {
    if (before == nullptr || row.target != before->target || row.context != before->context) {
      const auto [place, is_new] = known.try_emplace({row.target, row.context}, groups.size());
      at = place->second;
      if (is_new) {
        groups.push_back({.target = row.target, .context = row.context});
      }
    }
    before = &row;
    add_row(row, groups[at]);
  }
  return groups;
}

}  // namespace regsync
