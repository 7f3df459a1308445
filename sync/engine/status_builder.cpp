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

const Footprint* find_footprint(const EngineState& state, const std::string& name) {
  const auto footprint = state.footprints.find(name);
  return footprint == state.footprints.end() ? nullptr : &footprint->second;
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
    return status_of_remains(name, state.footprints.at(name));
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
  if (state.kubeconfig_problem) {
    status.problems.push_back(*state.kubeconfig_problem);
  }
  for (const auto& pattern : target->contexts) {
    const auto matches = [&](const std::string& context) { return glob_match(pattern, context); };
    if (is_glob(pattern) && std::none_of(state.contexts.begin(), state.contexts.end(), matches)) {
      status.problems.emplace_back(ErrorCode::kubeconfig, "no context matches \"" + pattern + "\"",
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
    std::copy_if(state.contexts.begin(), state.contexts.end(), std::inserter(contexts, contexts.end()),
                 [&](const auto& context) { return selects_context(*target, context); });
  }
  if (const Footprint* footprint = find_footprint(state, name)) {
    for (const auto& [context, places] : footprint->contexts) {
      contexts.insert(context);
    }
  }
  return contexts;
}

void add_rows(const EngineState& state, const std::string& name, std::vector<StatusRow>& rows) {
  const Footprint* footprint = find_footprint(state, name);
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
    const auto cluster = state.clusters.find(context);
    if (cluster == state.clusters.end()) {
      const auto problem = state.context_problems.find(context);
      add_context_row(context, problem != state.context_problems.end() ? problem->second : context_vanished(context));
      continue;
    }
    const auto before = rows.size();
    cluster->second->add_rows(name, rows);
    const auto health = cluster->second->status();
    if (removing && rows.size() == before && !health.connected) {
      add_context_row(context, health.problem);  // what is left there is not known, and not forgotten
    } else if (removing) {
      cluster->second->add_unread_rows(name, footprint->contexts.at(context), rows);
    }
  }
}

}  // namespace

Error context_vanished(const std::string& context) {
  return {ErrorCode::kubeconfig, "context " + context + " is not in the kubeconfig",
          "put it back, or take it out of the target; nothing was deleted"};
}

void add_state(const EngineState& state, const std::optional<std::string>& only, StatusReport& report) {
  std::set<std::string> names;
  std::set<std::string> contexts;
  for (const auto& [name, file] : state.targets) {
    names.insert(name);
  }
  for (const auto& [name, footprint] : state.footprints) {
    names.insert(name);
  }
  for (const auto& name : names) {
    if (only && name != *only) {
      continue;
    }
    report.targets.push_back(target_status(state, name));
    add_rows(state, name, report.rows);
    contexts.merge(contexts_of(state, name));
  }
  for (const auto& name : contexts) {
    if (const auto cluster = state.clusters.find(name); cluster != state.clusters.end()) {
      report.contexts.push_back(cluster->second->status());
    } else if (const auto problem = state.context_problems.find(name); problem != state.context_problems.end()) {
      ContextStatus context;
      context.name = name;
      context.problem = problem->second;
      report.contexts.push_back(std::move(context));
    }
  }
  std::stable_sort(report.rows.begin(), report.rows.end(), [](const StatusRow& a, const StatusRow& b) {
    return std::tie(a.target, a.context, a.name_space) < std::tie(b.target, b.context, b.name_space);
  });
}

}  // namespace regsync
