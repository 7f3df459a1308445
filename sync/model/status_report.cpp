#include "sync/model/status_report.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "sync/model/remedy.hpp"

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

std::size_t StatusGroup::count(SyncState state) const {
  const auto known = states.find(state);
  return known == states.end() ? 0 : known->second;
}

std::size_t StatusGroup::rows() const {
  std::size_t sum = 0;
  for (const auto& [state, number] : states) {
    sum += number;
  }
  return sum;
}

bool StatusGroup::is_as_asked() const {
  return std::ranges::all_of(states, [](const auto& item) { return regsync::is_as_asked(item.first); });
}

bool StatusReport::all_in_sync() const {
  return !store && std::ranges::all_of(rows, [](const StatusRow& row) { return is_as_asked(row.state); }) &&
         std::ranges::all_of(groups, &StatusGroup::is_as_asked) &&
         std::ranges::all_of(targets,
                             [](const TargetStatus& target) { return target.paused || target.problems.empty(); }) &&
         std::ranges::all_of(contexts, [](const ContextStatus& context) { return context.paused || !context.problem; });
}

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
    StatusGroup& group = groups[at];
    ++group.states[row.state];
    group.since = std::max(group.since, row.since);
    if (!is_as_asked(row.state)) {
      ++group.reasons[std::string(row.cause ? to_string(row.cause->code()) : to_string(row.state))];
    }
  }
  return groups;
}

std::vector<StatusCause> causes_of(const std::vector<StatusRow>& rows) {
  constexpr std::size_t named = 3;
  std::vector<StatusCause> causes;
  std::map<std::tuple<std::string_view, ErrorCode, std::string_view>, std::size_t> known;
  for (const StatusRow& row : rows) {
    if (!row.cause) {
      continue;
    }
    const ErrorCode code = row.cause->code();
    const std::string_view target = is_remedied_per_target(code) ? std::string_view(row.target) : std::string_view();
    const auto [place, is_new] = known.try_emplace({row.context, code, target}, causes.size());
    if (is_new) {
      causes.push_back({.target = row.target, .context = row.context, .error = *row.cause});
    }
    StatusCause& cause = causes[place->second];
    ++cause.count;
    cause.alike = cause.alike && cause.error.message() == row.cause->message();
    if (cause.namespaces.size() < named) {
      cause.namespaces.push_back(row.name_space);
    }
  }
  return causes;
}

}  // namespace regsync
