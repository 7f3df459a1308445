#include "sync/cli/view/report_selection.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/text.hpp"

namespace regsync::cli {
namespace {

bool is_faulty(const TargetStatus& target) { return !target.paused && !target.problems.empty(); }

}  // namespace

std::vector<StatusGroup> groups_of(const StatusReport& report) {
  return report.groups.empty() ? regsync::groups_of(report.rows) : report.groups;
}

bool reached(const StatusReport& report) {
  return std::ranges::all_of(report.rows, [](const StatusRow& row) { return is_as_asked(row.state); }) &&
         std::ranges::all_of(report.groups, &StatusGroup::is_as_asked) &&
         std::ranges::none_of(report.targets, is_faulty);
}

bool is_stuck(const StatusReport& report) {
  std::set<std::string_view> cut_off;
  for (const ContextStatus& context : report.contexts) {
    if (context.problem && !context.paused) {
      cut_off.insert(context.name);
    }
  }
  const auto waits_for_person = [&](const StatusGroup& group) {
    return (cut_off.contains(group.context) && !group.is_as_asked()) || group.count(SyncState::stuck) > 0 ||
           (group.count(SyncState::pending) > 0 && report.store);
  };
  return std::ranges::any_of(groups_of(report), waits_for_person) || std::ranges::any_of(report.targets, is_faulty);
}

std::string waited_for(const StatusReport& report) {
  constexpr std::size_t named = 3;
  std::size_t good = 0;
  std::size_t all = 0;
  std::vector<std::string> rest;
  for (const StatusGroup& group : groups_of(report)) {
    good += group.count(SyncState::in_sync);
    all += group.rows() - group.count(SyncState::paused) - group.count(SyncState::terminating);
    if (!group.is_as_asked()) {
      const auto reason = group.reasons.begin();
      rest.push_back(group.target + " in " + group.context +
                     (reason == group.reasons.end() ? "" : " (" + reason_of(reason->first) + ")"));
    }
  }
  return std::to_string(good) + " of " + count_of(all, "Secret") + " in sync" +
         (rest.empty() ? "" : "; waiting for " + join(rest, ", ", named));
}

std::string summary(const StatusReport& report) {
  StateCounts states;
  for (const StatusGroup& group : groups_of(report)) {
    states += group.states;
  }
  std::string text =
      count_of(report.targets.size(), "target") + ": " + count_of(states[SyncState::in_sync], "Secret") + " in sync";
  const auto add = [&text](std::size_t count, const char* what) {
    text += count == 0 ? "" : ", " + std::to_string(count) + what;
  };
  add(states.all() - states.as_asked(), " not");
  add(states[SyncState::paused], " paused");
  add(states[SyncState::terminating], " in namespaces that end");
  const auto faulty = static_cast<std::size_t>(std::ranges::count_if(report.targets, is_faulty));
  text += faulty == 0 ? "" : "; " + count_of(faulty, "target") + " with problems";
  return text;
}

}  // namespace regsync::cli
