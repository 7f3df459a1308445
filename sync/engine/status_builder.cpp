#include "sync/engine/status_builder.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace regsync {

namespace {

const Target* find_target(const EngineState& state, const std::string& name) {
  const auto file = state.targets.find(name);
  return file == state.targets.end() || !file->second.target ? nullptr : &*file->second.target;
}

// The file is gone. On purpose, or not?
TargetStatus status_of_remains(const std::string& name, const Footprint& footprint) {
  TargetStatus status;
  status.name = name;
  status.secret = name;
  status.removing = footprint.forgotten;
  if (!footprint.contexts.empty() && !footprint.contexts.begin()->second.secrets.empty()) {
    status.secret = footprint.contexts.begin()->second.secrets.begin()->first;
  }
  if (!status.removing) {
    status.problems.emplace_back(ErrorCode::not_found, "the file of target " + name + " is gone; its Secrets are kept",
                                 "put the file back, or delete them: regsync remove " + name);
  }
  return status;
}

TargetStatus target_status(const EngineState& state, const std::string& name) {
  const auto file = state.targets.find(name);
  if (file == state.targets.end()) {
    return status_of_remains(name, *state.footprints.find(name));
  }
  TargetStatus status;
  status.name = name;
  status.secret = name;
  if (file->second.problem) {
    status.problems.push_back(*file->second.problem);
  }
  const Target* target = find_target(state, name);
  if (target == nullptr) {
    return status;
  }
  status.secret = target->secret;
  status.registries = target->registries;
  if (const auto plan = state.plans.find(name); plan != state.plans.end()) {
    const auto& problems = plan->second->problems;
    status.problems.insert(status.problems.end(), problems.begin(), problems.end());
  }
  if (const auto held = state.footprints.held(name)) {
    status.problems.push_back(*held);
  }
  if (const auto& problem = state.contexts.kubeconfig_problem()) {
    status.problems.push_back(*problem);
  }
  for (const auto& pattern : target->contexts) {
    const auto matches = [&](const std::string& context) { return glob_match(pattern, context); };
    if (is_glob(pattern) && std::ranges::none_of(state.contexts.names(), matches)) {
      status.problems.emplace_back(
          ErrorCode::kubeconfig,
          "no context matches \"" + pattern + "\" in the kubeconfig (" + state.contexts.source() + ")",
          "see kubectl config get-contexts");
    }
  }
  return status;
}

// The contexts that a target names, matches, or has left something in.
std::set<std::string> contexts_of(const EngineState& state, const std::string& name) {
  std::set<std::string> contexts;
  if (const Target* target = find_target(state, name)) {
    std::copy_if(target->contexts.begin(), target->contexts.end(), std::inserter(contexts, contexts.end()),
                 [](const auto& pattern) { return !is_glob(pattern); });
    std::ranges::copy_if(state.contexts.names(), std::inserter(contexts, contexts.end()),
                         [&](const auto& context) { return selects_context(*target, context); });
  }
  if (const Footprint* footprint = state.footprints.find(name)) {
    for (const auto& [context, places] : footprint->contexts) {
      contexts.insert(context);
    }
  }
  return contexts;
}

void add_rows(const EngineState& state, const std::string& name, std::vector<StatusRow>& rows) {
  const Footprint* footprint = state.footprints.find(name);
  const bool removing = !state.targets.contains(name) && footprint != nullptr && footprint->forgotten;
  const auto add_context_row = [&](const std::string& context, std::optional<Error> cause) {
    StatusRow row;
    row.target = name;
    row.context = context;
    row.state = removing ? SyncState::removing : SyncState::stuck;
    row.cause = std::move(cause);
    row.since = state.started;
    rows.push_back(std::move(row));
  };
  for (const auto& context : contexts_of(state, name)) {
    const auto cluster = state.contexts.find(context);
    if (!cluster) {
      const auto& problems = state.contexts.problems();
      const auto problem = problems.find(context);
      add_context_row(context, problem != problems.end() ? problem->second : state.contexts.vanished(context));
      continue;
    }
    const auto before = rows.size();
    cluster->add_rows(name, rows);
    const auto health = cluster->status();
    if (removing && rows.size() == before && !health.connected) {
      add_context_row(context, health.problem);  // what is left there is not known, and not forgotten
    } else if (removing) {
      cluster->add_unread_rows(name, footprint->contexts.at(context), rows);
    }
  }
}

// Where a target without namespaces stays although the context's current namespace is another one now.
void add_namespace_notes(const EngineState& state, const std::string& name, std::vector<Error>& notes) {
  const Target* target = find_target(state, name);
  if (target == nullptr || !uses_own_namespace(*target)) {
    return;
  }
  for (const auto& context : state.contexts.names()) {
    const auto cluster = state.contexts.find(context);
    if (!cluster || !selects_context(*target, context)) {
      continue;
    }
    const auto& current = cluster->context().default_namespace;
    const auto own = state.footprints.own_namespace(*target, context, current);
    if (own != current) {
      notes.emplace_back(ErrorCode::kubeconfig,
                         "target " + name + " stays in namespace " + own + " of context " + context +
                             ", whose current namespace is " + current + " now",
                         "to move it, write namespaces: [" + current + "] in its file");
    }
  }
}

}  // namespace

void add_state(const EngineState& state, const std::optional<std::string>& only, StatusReport& report) {
  std::set<std::string> names;
  std::set<std::string> contexts;
  for (const auto& [name, file] : state.targets) {
    names.insert(name);
  }
  for (const auto& [name, footprint] : state.footprints.all()) {
    names.insert(name);
  }
  for (const auto& name : names) {
    if (only && name != *only) {
      continue;
    }
    report.targets.push_back(target_status(state, name));
    add_rows(state, name, report.rows);
    add_namespace_notes(state, name, report.notes);
    contexts.merge(contexts_of(state, name));
  }
  for (const auto& [name, problem] : state.unreadable_footprints) {
    if ((!only || name == *only) && !state.footprints.held(name)) {
      report.notes.push_back(problem);
    }
  }
  for (const auto& name : contexts) {
    const auto cluster = state.contexts.find(name);
    const auto problem = state.contexts.problems().find(name);
    const bool has_problem = problem != state.contexts.problems().end();
    if (!cluster && !has_problem) {
      continue;
    }
    ContextStatus context;
    context.name = name;
    if (cluster) {
      context = cluster->status();
    }
    if (has_problem && !context.problem && (!cluster || state.contexts.contains(name))) {
      context.problem = problem->second;  // its last good definition is in force
    }
    report.contexts.push_back(std::move(context));
  }
  std::stable_sort(report.rows.begin(), report.rows.end(), [](const StatusRow& a, const StatusRow& b) {
    return std::tie(a.target, a.context, a.name_space) < std::tie(b.target, b.context, b.name_space);
  });
}

}  // namespace regsync
