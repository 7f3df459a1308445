#include "sync/model/status_query.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "sync/base/suggest.hpp"
#include "sync/model/target.hpp"

namespace regsync {

namespace {

bool is_asked(const std::vector<std::string>& patterns, const std::string& text) {
  return patterns.empty() || matches_any(patterns, text);
}

bool is_named(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

std::set<std::string_view> targets_with_rows(const StatusReport& report) {
  std::set<std::string_view> names;
  for (const auto& row : report.rows) {
    names.insert(row.target);
  }
  for (const auto& group : report.groups) {
    names.insert(group.target);
  }
  return names;
}

std::string words_of(const std::string& what, const std::vector<std::string>& patterns) {
  std::string words;
  for (const std::string& pattern : patterns) {
    words += (words.empty() ? what + " \"" : "\" or \"") + pattern;
  }
  return words.empty() ? words : words + "\"";
}

}  // namespace

void require_matches(const std::vector<std::string>& patterns, const std::set<std::string>& names,
                     const std::string& what) {
  for (const auto& pattern : patterns) {
    if (std::ranges::none_of(names, [&](const auto& name) { return glob_match(pattern, name); })) {
      throw Error(ErrorCode::not_found, "no target has a Secret in " + what + " \"" + pattern + "\"",
                  did_you_mean(pattern, {names.begin(), names.end()}));
    }
  }
}

void StatusSelection::keep(std::vector<StatusRow>& rows) {
  std::erase_if(rows, [this](const StatusRow& row) {
    if (!is_named(query_.targets, row.target)) {
      return true;
    }
    if (!query_.contexts.empty()) {
      contexts_.insert(row.context);
      if (!is_asked(query_.contexts, row.context)) {
        return true;
      }
    }
    if (!query_.namespaces.empty()) {
      unread_ = unread_ || row.name_space.empty();
      namespaces_.insert(row.name_space);
      if (!row.name_space.empty() && !is_asked(query_.namespaces, row.name_space)) {
        return true;
      }
    }
    targets_.insert(row.target);
    return query_.failing && is_as_asked(row.state);
  });
}

StatusReport StatusSelection::finish(StatusReport report) {
  std::erase_if(report.targets, [&](const auto& target) { return !is_named(query_.targets, target.name); });
  std::erase_if(report.groups, [&](const auto& group) { return !is_named(query_.targets, group.target); });
  if (!query_.contexts.empty() || !query_.namespaces.empty()) {
    for (const auto& context : report.contexts) {
      contexts_.insert(context.name);
    }
    for (const auto& group : report.groups) {
      contexts_.insert(group.context);
    }
    require_matches(query_.contexts, contexts_, "context");
    if (!unread_) {
      require_matches(query_.namespaces, namespaces_, "namespace");
    }
    std::erase_if(report.groups, [&](const auto& group) { return !is_asked(query_.contexts, group.context); });
    std::erase_if(report.contexts, [&](const auto& context) { return !is_asked(query_.contexts, context.name); });
    for (const auto& group : report.groups) {
      targets_.insert(group.target);
    }
    for (const auto& target : report.targets) {
      if (!query_.targets.empty() && !targets_.contains(target.name)) {
        const std::string contexts = words_of("context", query_.contexts);
        const std::string namespaces = words_of("namespace", query_.namespaces);
        throw Error(ErrorCode::not_found,
                    "target \"" + target.name + "\" has no Secret in " + contexts +
                        (contexts.empty() || namespaces.empty() ? "" : " and ") + namespaces,
                    "see where it has some: regsync status " + target.name);
      }
    }
    std::erase_if(report.targets, [&](const auto& target) { return !targets_.contains(target.name); });
  }
  if (query_.failing) {
    std::erase_if(report.groups, &StatusGroup::is_as_asked);
    const auto failing = targets_with_rows(report);
    std::erase_if(report.targets,
                  [&](const auto& target) { return target.problems.empty() && !failing.contains(target.name); });
  }
  return report;
}

StatusReport selected(StatusReport report, StatusQuery query) {
  StatusSelection selection(std::move(query));
  selection.keep(report.rows);
  return selection.finish(std::move(report));
}

std::vector<const TargetStatus*> targets_without_rows(const StatusReport& report) {
  const auto with_rows = targets_with_rows(report);
  std::vector<const TargetStatus*> targets;
  for (const auto& target : report.targets) {
    if (!with_rows.contains(target.name)) {
      targets.push_back(&target);
    }
  }
  return targets;
}

}  // namespace regsync
