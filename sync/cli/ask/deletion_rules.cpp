#include "sync/cli/ask/deletion_rules.hpp"

#include <algorithm>
#include <set>

#include "sync/engine/context_checks.hpp"

namespace regsync::cli {

DeletionScope DeletionRules::scope_in(const std::string& context,
                                      const std::function<bool(const std::string&)>& is_asked) const {
  DeletionScope scope;
  for (const auto& [name, file] : files_) {
    if (!file.target || !may_delete(*file.target, context)) {
      scope.uncertain.insert(name);
    } else if (concerns(*file.target, context)) {
      scope.known_targets.insert(name);
      if (uses_own_namespace(*file.target)) {
        scope.bound.try_emplace(name);
      }
    }
  }
  const std::set<std::string> names = names_in_footprints(context, book_, is_there());
  for (const auto& [target, footprint] : footprints_) {
    add_footprint(target, footprint, context, scope);
    const bool deletes = scope.known_targets.contains(target) || scope.forgotten.contains(target);
    for (const std::string& name : names) {
      const auto places = footprint.contexts.find(name);
      if (places == footprint.contexts.end()) {
        continue;
      }
      if (const auto bound = scope.bound.find(target); bound != scope.bound.end()) {
        bound->second.merge(places->second);
      }
      if (is_asked(target) && (deletes || scope.kept.contains(target))) {
        scope.places.merge(places->second);
      }
      if (!deletes || scope.kept.contains(target)) {
        scope.in_doubt.merge(places->second);
      }
    }
  }
  if (!scope.places.empty() && !is_used(context)) {
    scope.places = {};
  }
  return scope;
}

std::function<bool(const std::string&)> DeletionRules::is_there() const {
  return [this](const std::string& name) { return std::ranges::binary_search(kubeconfig_.contexts(), name); };
}

bool DeletionRules::may_delete(const Target& target, const std::string& context) const {
  return !target.paused && !names_absent_context(target, context, book_, is_there());
}

bool DeletionRules::concerns(const Target& target, const std::string& context) const {
  const auto footprint = footprints_.find(target.name);
  return selects_context(target, context) ||
         (footprint != footprints_.end() && footprint->second.contexts.contains(context));
}

// Whether regsyncd looks at the cluster of a context. One that merely leads where another one led is none of its own.
bool DeletionRules::is_used(const std::string& context) const {
  return std::ranges::any_of(files_,
                             [&](const auto& item) {
                               const auto& target = item.second.target;
                               return target && selects_context(*target, context);
                             }) ||
         std::ranges::any_of(footprints_, [&](const auto& item) { return item.second.contexts.contains(context); });
}

// Where the context leads to another cluster than the pinned one, nobody's removal counts.
void DeletionRules::add_footprint(const std::string& target, const Footprint& footprint, const std::string& context,
                                  DeletionScope& scope) const {
  const bool held = book_.is_held(context);
  if (!files_.contains(target) && !footprint.forgotten) {
    scope.uncertain.insert(target);
  }
  if (!files_.contains(target) && footprint.forgotten && !held) {
    scope.forgotten.insert(target);
  }
  if (footprint.keeps_in(context) && !held) {
    scope.kept.insert(target);
  }
}

}  // namespace regsync::cli
