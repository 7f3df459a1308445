#include "sync/cli/view/report_selection.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "sync/base/suggest.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {
namespace {

void require_selected(const std::vector<std::string>& patterns, const std::set<std::string>& names,
                      const std::string& what) {
  for (const std::string& pattern : patterns) {
    if (std::ranges::none_of(names, [&](const std::string& name) { return glob_match(pattern, name); })) {
      throw Error(ErrorCode::not_found, "no target has a Secret in " + what + " \"" + pattern + "\"",
                  did_you_mean(pattern, {names.begin(), names.end()}));
    }
  }
}

bool is_asked(const std::vector<std::string>& patterns, const std::string& text) {
  return patterns.empty() || matches_any(patterns, text);
}

}  // namespace

StatusReport of_targets(StatusReport report, const std::vector<std::string>& names) {
  const auto is_other = [&](const std::string& name) { return std::ranges::find(names, name) == names.end(); };
  std::erase_if(report.targets, [&](const TargetStatus& target) { return is_other(target.name); });
  std::erase_if(report.rows, [&](const StatusRow& row) { return is_other(row.target); });
  std::erase_if(report.groups, [&](const StatusGroup& group) { return is_other(group.target); });
  std::erase_if(report.causes, [&](const StatusCause& cause) { return is_other(cause.target); });
  return report;
}

std::vector<StatusGroup> groups_of(const StatusReport& report) {
  return report.groups.empty() ? regsync::groups_of(report.rows) : report.groups;
}

std::vector<StatusCause> causes_of(const StatusReport& report) {
  return report.groups.empty() ? regsync::causes_of(report.rows) : report.causes;
}

std::vector<const TargetStatus*> targets_without_rows(const StatusReport& report) {
  std::set<std::string_view> with_rows;
  for (const StatusRow& row : report.rows) {
    with_rows.insert(row.target);
  }
  for (const StatusGroup& group : report.groups) {
    with_rows.insert(group.target);
  }
  std::vector<const TargetStatus*> targets;
  for (const TargetStatus& target : report.targets) {
    if (!with_rows.contains(target.name)) {
      targets.push_back(&target);
    }
  }
  return targets;
}

bool reached(const StatusReport& report) {
  return std::ranges::all_of(report.rows, [](const StatusRow& row) { return is_as_asked(row.state); }) &&
         std::ranges::all_of(report.groups, &StatusGroup::is_as_asked) &&
         std::ranges::all_of(report.targets,
                             [](const TargetStatus& target) { return target.paused || target.problems.empty(); });
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
  const auto is_faulty = [](const TargetStatus& target) { return !target.paused && !target.problems.empty(); };
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
      rest.push_back(group.target + " in " + group.context + " (" + reason_of(group.reasons.begin()->first) + ")");
    }
  }
  return std::to_string(good) + " of " + count_of(all, "Secret") + " in sync" +
         (rest.empty() ? "" : "; waiting for " + join(rest, ", ", named));
}

namespace {

void drop_targets_without_rows(StatusReport& report) {
  std::set<std::string> without;
  for (const TargetStatus* target : targets_without_rows(report)) {
    without.insert(target->name);
  }
  std::erase_if(report.targets, [&](const TargetStatus& target) { return without.contains(target.name); });
}

}  // namespace

StatusReport failing(StatusReport report) {
  std::erase_if(report.rows, [](const StatusRow& row) { return is_as_asked(row.state); });
  std::erase_if(report.groups, &StatusGroup::is_as_asked);
  std::set<std::string> with_rows;
  for (const StatusGroup& group : report.groups) {
    with_rows.insert(group.target);
  }
  for (const StatusRow& row : report.rows) {
    with_rows.insert(row.target);
  }
  std::erase_if(report.targets, [&](const TargetStatus& target) {
    return target.problems.empty() && !with_rows.contains(target.name);
  });
  return report;
}

StatusReport narrowed(StatusReport report, const std::vector<std::string>& contexts,
                      const std::vector<std::string>& namespaces) {
  if (contexts.empty() && namespaces.empty()) {
    return report;
  }
  std::set<std::string> known_contexts;
  std::set<std::string> known_namespaces;
  bool unread = false;  // a context that cannot be read may hold any namespace
  for (const ContextStatus& context : report.contexts) {
    known_contexts.insert(context.name);
  }
  for (const StatusRow& row : report.rows) {
    known_contexts.insert(row.context);
    if (is_asked(contexts, row.context)) {
      unread = unread || row.name_space.empty();
      known_namespaces.insert(row.name_space);
    }
  }
  for (const StatusGroup& group : report.groups) {
    known_contexts.insert(group.context);
  }
  require_selected(contexts, known_contexts, "context");
  if (!unread) {
    require_selected(namespaces, known_namespaces, "namespace");
  }
  std::erase_if(report.rows, [&](const StatusRow& row) {
    return !is_asked(contexts, row.context) || !(row.name_space.empty() || is_asked(namespaces, row.name_space));
  });
  std::erase_if(report.groups, [&](const StatusGroup& group) { return !is_asked(contexts, group.context); });
  std::erase_if(report.causes, [&](const StatusCause& cause) { return !is_asked(contexts, cause.context); });
  std::erase_if(report.contexts, [&](const ContextStatus& context) { return !is_asked(contexts, context.name); });
  drop_targets_without_rows(report);
  return report;
}

std::string summary(const StatusReport& report) {
  std::map<SyncState, std::size_t> states;
  std::size_t bad = 0;
  for (const StatusGroup& group : groups_of(report)) {
    for (const auto& [state, count] : group.states) {
      states[state] += count;
      bad += is_as_asked(state) ? 0 : count;
    }
  }
  std::string text =
      count_of(report.targets.size(), "target") + ": " + count_of(states[SyncState::in_sync], "Secret") + " in sync";
  const auto add = [&text](std::size_t count, const char* what) {
    text += count == 0 ? "" : ", " + std::to_string(count) + what;
  };
  add(bad, " not");
  add(states[SyncState::paused], " paused");
  add(states[SyncState::terminating], " in namespaces that end");
  return text;
}

}  // namespace regsync::cli
