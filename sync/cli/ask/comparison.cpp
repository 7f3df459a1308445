#include "sync/cli/ask/comparison.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>

#include "helper/base/guarded.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/engine/context_checks.hpp"
#include "sync/engine/deletion_rule.hpp"
#include "sync/engine/paused_contexts.hpp"

namespace regsync::cli {
namespace {

bool is_there(const std::string& context, const kube::Kubeconfig& kubeconfig) {
  return std::ranges::binary_search(kubeconfig.contexts(), context);
}

ContextFacts facts_of(const std::string& context, const Inputs& inputs) {
  ContextFacts facts{.context = context,
                     .files = inputs.files,
                     .footprints = inputs.footprints,
                     .book = inputs.memory.book,
                     .is_there = [&inputs](const std::string& name) { return is_there(name, inputs.kubeconfig); }};
  const auto is_leaving = [&](const std::string& target) {
    const auto plan = inputs.plans.find(target);
    return plan != inputs.plans.end() && plan->second->remove;
  };
  for (const auto& [name, file] : inputs.files) {
    if (file.target) {
      facts.targets.push_back({.target = &*file.target,
                               .selects = selects_context(*file.target, context),
                               .held = hold_of(*file.target, context, inputs.memory).has_value(),
                               .is_leaving = is_leaving(name)});
    }
  }
  return facts;
}

// Returns the places of Secrets that the requested targets may have left and that a sync deletes or releases. In a
// context that no target uses, regsyncd does nothing.
Places leftovers_in(const ContextFacts& facts, const std::set<std::string>& names, const DeletionScope& deletion,
                    const std::set<std::string>& asked) {
  Places places;
  const bool is_selected = std::ranges::any_of(facts.targets, &TargetFacts::selects);
  if (!is_used(facts.context, is_selected, facts.footprints)) {
    return places;
  }
  for (const auto& [target, footprint] : facts.footprints) {
    const bool is_asked = asked.empty() || asked.contains(target);
    if (is_asked && (deletion.known_targets.contains(target) || deletion.forgotten.contains(target) ||
                     deletion.kept.contains(target))) {
      add_places(footprint, names, places);
    }
  }
  return places;
}

std::vector<DesiredState::Sibling> siblings_of(const std::string& context, const Inputs& inputs) {
  std::vector<DesiredState::Sibling> siblings;
  for (const std::string& other : inputs.memory.book.peers(context)) {
    auto wanted = wanted_through(facts_of(other, inputs), [&](const Target& target) {
      return meant_in(target, other, inputs.kubeconfig, inputs.memory.footprints);
    });
    DesiredState::add_sibling(
        siblings, {.context = other, .targets = std::make_shared<const std::vector<Target>>(std::move(wanted))});
  }
  return siblings;
}

}  // namespace

std::vector<Target> namesakes_of(const std::vector<Target>& targets, const TargetFiles& files,
                                 const std::map<std::string, Footprint>& footprints) {
  std::set<std::string> secrets;
  for (const Target& target : targets) {
    secrets.insert(target.secret);
    if (const auto footprint = footprints.find(target.name); footprint != footprints.end()) {
      for (const auto& [context, places] : footprint->second.contexts) {
        std::ranges::copy(std::views::keys(places.secrets), std::inserter(secrets, secrets.end()));
      }
    }
  }
  std::vector<Target> found;
  for (const auto& [name, file] : files) {
    if (file.target && std::ranges::find(targets, name, &Target::name) == targets.end() &&
        secrets.contains(file.target->secret)) {
      found.push_back(*file.target);
    }
  }
  return found;
}

void meet_contexts(const Target& target, const kube::Kubeconfig& kubeconfig, ContextBook& book) {
  for (const std::string& context : selected_contexts({target}, kubeconfig)) {
    if (book.find(context) == nullptr) {
      // for_each_context() reports an unusable context.
      (void)guarded([&] { book.meet(context, identity_of(kubeconfig.resolve(context)), /*pinned=*/false, {}); });
    }
  }
}

CompareWith compare_with(const Inputs& inputs, const std::string& context) {
  const ContextFacts facts = facts_of(context, inputs);
  const std::set<std::string> names = names_in_footprints(context, facts.book, facts.is_there);
  CompareWith with{.deletion = scope_in(facts, names), .asked = inputs.asked, .adoption = inputs.adoption};
  with.leftovers = leftovers_in(facts, names, with.deletion, inputs.asked);
  with.siblings = siblings_of(context, inputs);
  return with;
}

std::set<std::string> contexts_with_leftovers(const Inputs& inputs) {
  std::set<std::string> contexts;
  for (const std::string& context : inputs.kubeconfig.contexts()) {
    const ContextFacts facts = facts_of(context, inputs);
    const std::set<std::string> names = names_in_footprints(context, facts.book, facts.is_there);
    if (!leftovers_in(facts, names, scope_in(facts, names), inputs.asked).empty()) {
      contexts.insert(context);
    }
  }
  return contexts;
}

std::set<std::string> take_out_paused(std::set<std::string>& contexts) {
  const PausedContexts paused(paths::paused_contexts());
  std::set<std::string> taken;
  std::erase_if(contexts,
                [&](const std::string& context) { return paused.contains(context) && taken.insert(context).second; });
  return taken;
}

Differences compare_all(const Inputs& inputs, const std::set<std::string>& contexts, std::chrono::milliseconds time,
                        const std::function<void(const std::string& context, const Error& error)>& on_error) {
  Differences found;
  for_each_context(
      inputs.kubeconfig, {contexts.begin(), contexts.end()}, time,
      [&](kube::KubeClient& client) {
        const std::string& context = client.context().name;
        std::vector<std::shared_ptr<const Plan>> plans;
        std::ranges::copy_if(std::views::values(inputs.plans), std::back_inserter(plans),
                             [&](const auto& plan) { return selects_context(plan->target, context); });
        return find_differences(client, std::move(plans), inputs.owner, inputs.memory, found,
                                compare_with(inputs, context));
      },
      on_error);
  std::ranges::sort(found.obstacles, {}, &PlacedProblem::place);
  return found;
}

}  // namespace regsync::cli
