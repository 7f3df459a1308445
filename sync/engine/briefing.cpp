#include "sync/engine/briefing.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sync/cluster/cluster.hpp"
#include "sync/engine/context_checks.hpp"
#include "sync/engine/status_builder.hpp"

namespace regsync {

namespace {

// A plan as it is meant in one context; `before` is what was told there, which stays the same object if it equals.
std::shared_ptr<const Plan> as_meant(const std::shared_ptr<const Plan>& plan, const Target& target,
                                     const std::optional<Hold>& hold, const std::shared_ptr<const Plan>& before) {
  if (!hold && target == plan->target) {
    return plan;
  }
  Plan here = *plan;
  here.target = target;
  here.held = hold ? std::optional(hold->why) : std::nullopt;
  here.frozen = hold && hold->frozen;
  return before && *before == here ? before : std::make_shared<const Plan>(std::move(here));
}

}  // namespace

// What a DesiredState is made of.
struct Briefing::Parts {
  DesiredState::Plans plans;
  std::set<std::string> forgotten;
  std::set<std::string> known_targets;
  std::set<std::string> kept;
  std::set<std::string> uncertain;
  Places places;
  Places in_doubt;
  std::map<std::string, Places> bound;
};

void Briefing::tell_all() {
  WantedThrough wanted;
  for (const auto& context : from_.contexts.names()) {
    if (const auto cluster = from_.contexts.find(context)) {
      tell(context, *cluster, wanted);
    }
  }
}

void Briefing::tell(const std::string& context) {
  WantedThrough wanted;
  if (const auto cluster = from_.contexts.find(context)) {
    tell(context, *cluster, wanted);
  }
}

void Briefing::tell(const std::string& context, Cluster& cluster, WantedThrough& wanted) {
  Parts parts;
  add_targets(cluster, context, parts);
  add_footprints(context, parts);
  const auto desired = std::make_shared<DesiredState>(
      cluster.context().default_namespace, std::move(parts.plans), std::move(parts.forgotten),
      std::move(parts.known_targets), std::move(parts.kept), siblings_of(context, wanted), parts.uncertain,
      std::move(parts.in_doubt), std::move(parts.bound));
  if (!told_.empty()) {
    desired->share_with(*told_.begin()->second.desired);
  }
  Told told{.desired = desired, .places = std::make_shared<const Places>(std::move(parts.places))};
  const auto before = told_.find(context);
  if (before != told_.end() && *before->second.places == *told.places) {
    told.places = before->second.places;  // the cluster has it
    if (*before->second.desired == *told.desired) {
      return;
    }
  }
  cluster.set_desired(told.desired, told.places);
  told_[context] = std::move(told);
}

bool Briefing::tell_logins(const std::map<std::string, std::vector<std::string>>& targets) {
  // What contexts shared before, they go on sharing.
  std::map<std::pair<std::shared_ptr<const DesiredState::Plans>, DesiredState::Plans>,
           std::shared_ptr<const DesiredState::Plans>>
      made;
  for (const auto& [context, names] : targets) {
    const auto cluster = from_.contexts.find(context);
    const auto told = told_.find(context);
    if (!cluster || told == told_.end()) {
      return false;
    }
    const auto& known = told->second.desired->shared_plans();
    DesiredState::Plans changed;
    std::set<std::string> secrets;
    for (const auto& target : names) {
      if (const auto plan = known->find(target); plan != known->end()) {
        const auto& held = plan->second->held;
        changed[target] =
            as_meant(from_.intent.plans().at(target), plan->second->target,
                     held ? std::optional(Hold{*held, plan->second->frozen}) : std::nullopt, plan->second);
        secrets.insert(plan->second->target.secret);
      }
    }
    auto& plans = made[{known, changed}];
    if (!plans) {
      auto others = std::make_shared<DesiredState::Plans>(*known);
      for (const auto& [target, plan] : changed) {
        others->at(target) = plan;
      }
      plans = std::move(others);
    }
    told->second.desired = std::make_shared<const DesiredState>(told->second.desired->with(plans));
    cluster->set_logins(told->second.desired, secrets);
  }
  return true;
}

bool Briefing::may_be_wanted(const std::string& context, const Key& key) const {
  return std::ranges::any_of(from_.intent.plans(), [&](const auto& item) {
    const Plan& plan = *item.second;
    if (plan.remove || plan.target.secret != key.secret || !from_.contexts.selects(plan.target, context)) {
      return false;
    }
    const auto meant = from_.intent.meant_in(plan.target, context);
    return !meant || selects(*meant, key.name_space, nullptr, {}) != Selected::no;
  });
}

bool Briefing::was_told_of(const std::string& context, const std::string& other) const {
  const auto told = told_.find(context);
  if (told == told_.end()) {
    return false;
  }
  const auto wanted = wanted_through(other);
  return std::ranges::any_of(told->second.desired->siblings(),
                             [&](const auto& sibling) { return sibling.wants(wanted); });
}

void Briefing::add_targets(const Cluster& cluster, const std::string& context, Parts& parts) const {
  const auto before = told_.find(context);
  const auto told = [&](const std::string& target) -> std::shared_ptr<const Plan> {
    if (before == told_.end()) {
      return nullptr;
    }
    const auto& plans = before->second.desired->plans();
    const auto known = plans.find(target);
    return known == plans.end() ? nullptr : known->second;
  };
  const std::vector own_namespace{cluster.context().default_namespace};
  for (const auto& [target, plan] : from_.intent.plans()) {
    if (!may_delete(plan->target, context)) {
      parts.uncertain.insert(target);
    } else if (concerns(plan->target, context)) {
      parts.known_targets.insert(target);
      if (uses_own_namespace(plan->target)) {
        parts.bound.try_emplace(target);
      }
    }
    const auto& contexts = from_.intent.wanted().at(target);
    const auto meant = contexts.find(context);
    if (meant == contexts.end()) {
      continue;
    }
    Target here = meant->second.target();
    parts.places.merge(places_of(here, ""));
    here.paused = here.paused || from_.paused.contains(context);
    if (meant->second.own_namespace && here.namespaces == own_namespace) {
      here.namespaces.clear();  // as in its file, so that many contexts share one plan
    }
    parts.plans[target] = as_meant(plan, here, held(plan->target, context), told(target));
  }
}

// Whether a target's words, or what is remembered of it, say anything about a context. A Secret of another one is there
// because contexts were given other names, and not because the target no longer wants it.
bool Briefing::concerns(const Target& target, const std::string& context) const {
  const Footprint* footprint = from_.footprints.find(target.name);
  return from_.contexts.selects(target, context) || (footprint != nullptr && footprint->contexts.contains(context));
}

bool Briefing::may_delete(const Target& target, const std::string& context) const {
  return from_.targets.settled(target.name) && !held(target, context) && !target.paused &&
         !from_.paused.contains(context) && !from_.intent.undecided().contains(target.name) &&
         from_.intent.labels_count(target, context) &&
         !names_absent_context(target, context, from_.book,
                               [this](const std::string& name) { return from_.contexts.contains(name); });
}

void Briefing::add_footprints(const std::string& context, Parts& parts) const {
  const bool paused = from_.paused.contains(context) || from_.book.is_held(context);
  for (const auto& [target, file] : from_.targets.files()) {
    if (!file.target) {
      parts.uncertain.insert(target);  // it cannot be read
    }
  }
  // What was made through a context that is gone is found through this one, if it leads there too.
  const std::set<std::string> names = names_in_footprints(
      context, from_.book, [this](const std::string& peer) { return from_.contexts.contains(peer); });
  for (const auto& [target, footprint] : from_.footprints.all()) {
    if (!footprint.forgotten && !from_.targets.files().contains(target) && !from_.targets.lost(target)) {
      parts.uncertain.insert(target);  // its file may come back
    }
    const bool acts = !paused && from_.targets.acts_for(target);
    if (footprint.forgotten && acts && !from_.targets.files().contains(target)) {
      parts.forgotten.insert(target);
    }
    // Of a target that was removed they stay wherever they are, whatever the context is called by now.
    if (footprint.keeps_in(context) && acts) {
      parts.kept.insert(target);
    }
    for (const auto& name : names) {
      if (const auto places = footprint.contexts.find(name); places != footprint.contexts.end()) {
        parts.places.merge(places->second);
        if (const auto bound = parts.bound.find(target); bound != parts.bound.end()) {
          bound->second.merge(places->second);
        }
        if (parts.kept.contains(target) ||
            !(parts.forgotten.contains(target) || parts.known_targets.contains(target))) {
          parts.in_doubt.merge(places->second);
        }
      }
    }
  }
}

// Why a target may not use a context: its footprint is not written, or it is pinned and the cluster is another one
// than it was, or not known yet.
std::optional<Hold> Briefing::held(const Target& target, const std::string& context) const {
  if (const auto unsure = held_by_pin(target, context)) {
    return Hold{*unsure, /*frozen=*/true};
  }
  if (const auto problem = from_.footprints.held(target.name)) {
    return Hold{*problem, /*frozen=*/false};
  }
  if (from_.footprints.is_pending(target.name, context)) {
    return Hold{Error(ErrorCode::timeout, "regsync is recording where target " + target.name + " has Secrets",
                      "nothing to do: that takes a moment, unless the hub cannot be reached"),
                /*frozen=*/false};
  }
  return std::nullopt;
}

std::optional<Error> Briefing::held_by_pin(const Target& target, const std::string& context) const {
  if (!pins(target, context)) {
    return std::nullopt;
  }
  if (from_.book.is_held(context)) {
    return context_held(context, from_.book);
  }
  if (!from_.contexts.identified(context)) {
    return Error(ErrorCode::kubeconfig,
                 "it is not known yet whether context " + context + " still leads to the same cluster",
                 "see that the context can be reached: kubectl version");
  }
  return std::nullopt;
}

// What is wanted through other contexts of the same cluster, those that are not in the kubeconfig now included.
std::vector<DesiredState::Sibling> Briefing::siblings_of(const std::string& context, WantedThrough& wanted) const {
  std::vector<DesiredState::Sibling> siblings;
  for (const auto& other : from_.book.peers(context)) {
    auto& targets = wanted[other];
    if (!targets) {
      targets = std::make_shared<const std::vector<Target>>(wanted_through(other));
      const auto equal =
          std::ranges::find_if(wanted, [&](const auto& known) { return known.second && *known.second == *targets; });
      targets = equal->second;
    }
    DesiredState::add_sibling(siblings, other, targets);
  }
  return siblings;
}

std::vector<Target> Briefing::wanted_through(const std::string& context) const {
  std::vector<Target> targets;
  for (const auto& [name, plan] : from_.intent.plans()) {
    if (plan->remove) {
      continue;
    }
    const Footprint* footprint = from_.footprints.find(name);
    const bool present = from_.contexts.contains(context);
    const bool was_there = footprint != nullptr && footprint->contexts.contains(context);
    if (from_.contexts.selects(plan->target, context) && (present || was_there)) {
      if (auto meant = from_.intent.meant_in(plan->target, context)) {
        targets.push_back(std::move(*meant));
      }
    }
  }
  return targets;
}

}  // namespace regsync
