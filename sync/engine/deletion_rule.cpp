#include "sync/engine/deletion_rule.hpp"

#include <algorithm>

#include "sync/engine/context_checks.hpp"

namespace regsync {

namespace {

bool was_in(const std::string& target, const ContextFacts& facts) {
  const auto footprint = facts.footprints.find(target);
  return footprint != facts.footprints.end() && footprint->second.contexts.contains(facts.context);
}

// Whether a target's file or footprint mentions the context. A Secret of any other target is there because contexts
// were renamed, not because the target no longer wants it.
bool concerns(const TargetFacts& target, const ContextFacts& facts) {
  return target.selects || was_in(target.target->name, facts);
}

void add_targets(const ContextFacts& facts, DeletionScope& scope) {
  for (const TargetFacts& target : facts.targets) {
    const std::string& name = target.target->name;
    if (!may_delete(target, facts)) {
      scope.uncertain.insert(name);
    } else if (concerns(target, facts)) {
      scope.known_targets.insert(name);
      if (uses_own_namespace(*target.target)) {
        scope.bound.try_emplace(name);
      }
    }
  }
  for (const auto& [name, file] : facts.files) {
    if (!file.target) {
      scope.uncertain.insert(name);
    }
  }
}

// If the context is paused, or leads to another cluster than it may, removals do not count.
void add_footprint(const std::string& target, const Footprint& footprint, const ContextFacts& facts,
                   DeletionScope& scope) {
  const bool has_file = facts.files.contains(target);
  if (!has_file && !footprint.forgotten && facts.may_return.contains(target)) {
    scope.uncertain.insert(target);
  }
  if (facts.paused || facts.book.is_held(facts.context) || facts.idle.contains(target)) {
    return;
  }
  if (!has_file && footprint.forgotten) {
    scope.forgotten.insert(target);
  }
  // For a removed target, kept Secrets stay wherever they are, whatever the context is called by now.
  if (footprint.keeps_in(facts.context)) {
    scope.kept.insert(target);
  }
}

}  // namespace

bool may_delete(const TargetFacts& target, const ContextFacts& facts) {
  return target.settled && !target.undecided && !target.held && !target.target->paused && !facts.paused &&
         !names_absent_context(*target.target, facts.context, facts.book, facts.is_there);
}

DeletionScope scope_in(const ContextFacts& facts, const std::set<std::string>& names) {
  DeletionScope scope;
  add_targets(facts, scope);
  for (const auto& [target, footprint] : facts.footprints) {
    add_footprint(target, footprint, facts, scope);
    if (const auto bound = scope.bound.find(target); bound != scope.bound.end()) {
      add_places(footprint, names, bound->second);
    }
    if (scope.kept.contains(target) || !(scope.forgotten.contains(target) || scope.known_targets.contains(target))) {
      add_places(footprint, names, scope.in_doubt);
    }
  }
  return scope;
}

std::vector<Target> wanted_through(const ContextFacts& facts,
                                   const std::function<std::optional<Target>(const Target&)>& meant) {
  const bool is_there = facts.is_there(facts.context);
  std::vector<Target> wanted;
  for (const TargetFacts& target : facts.targets) {
    if (target.is_leaving || !target.selects || !(is_there || was_in(target.target->name, facts))) {
      continue;
    }
    if (auto here = meant(*target.target)) {
      wanted.push_back(std::move(*here));
    }
  }
  return wanted;
}

void add_places(const Footprint& footprint, const std::set<std::string>& contexts, Places& places) {
  for (const std::string& context : contexts) {
    if (const auto known = footprint.contexts.find(context); known != footprint.contexts.end()) {
      places.merge(known->second);
    }
  }
}

}  // namespace regsync
