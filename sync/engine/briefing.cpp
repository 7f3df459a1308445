#include "sync/engine/briefing.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sync/cluster/cluster.hpp"
#include "sync/engine/context_checks.hpp"
#include "sync/engine/status_builder.hpp"

namespace regsync {

namespace {

// A plan as resolved for one context; returns `before`, the plan last given to that context, if it is equal.
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
  auto plans = plans_in(cluster, context);
  const ContextFacts facts = facts_with_targets(context);
  const std::set<std::string> names = names_in_footprints(context, facts.book, facts.is_there);
  Places places = places_under(names);
  for (const auto& [target, plan] : plans) {
    places.merge(places_of(plan->target, cluster.context().default_namespace));
  }
  const auto desired =
      std::make_shared<DesiredState>(DesiredState::Inputs{.default_namespace = cluster.context().default_namespace,
                                                          .plans = std::move(plans),
                                                          .deletion = scope_in(facts, names),
                                                          .siblings = siblings_of(context, wanted)});
  if (!told_.empty()) {
    desired->share_with(*told_.begin()->second.desired);
  }
  Told told{.desired = desired, .places = std::make_shared<const Places>(std::move(places))};
  const auto before = told_.find(context);
  if (before != told_.end() && *before->second.places == *told.places) {
    told.places = before->second.places;  // the cluster has these already
    if (*before->second.desired == *told.desired) {
      return;
    }
  }
  cluster.set_desired(told.desired, told.places);
  told_[context] = std::move(told);
}

bool Briefing::tell_logins(const std::map<std::string, std::vector<std::string>>& targets) {
  // Contexts that shared plans before keep sharing them.
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
  const auto wanted = what_is_wanted_through(other);
  return std::ranges::any_of(told->second.desired->siblings(),
                             [&](const auto& sibling) { return sibling.wants(wanted); });
}

std::shared_ptr<const DesiredState> Briefing::told_to(const std::string& context) const {
  const auto told = told_.find(context);
  return told == told_.end() ? nullptr : told->second.desired;
}

DesiredState::Plans Briefing::plans_in(const Cluster& cluster, const std::string& context) const {
  const auto before = told_to(context);
  const auto told = [&](const std::string& target) -> std::shared_ptr<const Plan> {
    if (!before) {
      return nullptr;
    }
    const auto known = before->plans().find(target);
    return known == before->plans().end() ? nullptr : known->second;
  };
  const std::vector own_namespace{cluster.context().default_namespace};
  DesiredState::Plans plans;
  for (const auto& [target, plan] : from_.intent.plans()) {
    const auto& contexts = from_.intent.wanted().at(target);
    const auto meant = contexts.find(context);
    if (meant == contexts.end()) {
      continue;
    }
    Target here = meant->second.target();
    here.paused = here.paused || from_.paused.contains(context);
    if (meant->second.own_namespace && here.namespaces == own_namespace) {
      here.namespaces.clear();  // as in its file, so that many contexts can share one plan
    }
    plans[target] = as_meant(plan, here, held(plan->target, context), told(target));
  }
  return plans;
}

// Where targets have, or had, Secrets according to their footprints under these context names.
Places Briefing::places_under(const std::set<std::string>& names) const {
  Places places;
  for (const auto& [target, footprint] : from_.footprints.all()) {
    add_places(footprint, names, places);
  }
  return places;
}

// The facts about a context, without those about targets.
ContextFacts Briefing::facts_of(const std::string& context) const {
  return {.context = context,
          .paused = from_.paused.contains(context),
          .files = from_.targets.files(),
          .footprints = from_.footprints.all(),
          .book = from_.book,
          .is_there = [this](const std::string& name) { return from_.contexts.contains(name); }};
}

ContextFacts Briefing::facts_with_targets(const std::string& context) const {
  ContextFacts facts = facts_of(context);
  facts.targets.reserve(from_.intent.plans().size());
  for (const auto& [name, plan] : from_.intent.plans()) {
    facts.targets.push_back(facts_of(plan->target, context));
  }
  for (const auto& [name, footprint] : from_.footprints.all()) {
    if (!from_.targets.files().contains(name) && !from_.targets.lost(name)) {
      facts.may_return.insert(name);
    }
    if (!from_.targets.acts_for(name)) {
      facts.idle.insert(name);
    }
  }
  return facts;
}

TargetFacts Briefing::facts_of(const Target& target, const std::string& context) const {
  return {.target = &target,
          .selects = from_.contexts.selects(target, context),
          .settled = from_.targets.settled(target.name) && from_.intent.labels_count(target, context),
          .undecided = from_.intent.undecided().contains(target.name),
          .held = held(target, context).has_value()};
}

bool Briefing::may_delete(const Target& target, const std::string& context) const {
  return regsync::may_delete(facts_of(target, context), facts_of(context));
}

// Why a target may not use a context: its footprint is not written, or it is pinned and the cluster has changed or is
// not known yet.
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

// What is wanted through other contexts of the same cluster, including those that are no longer in the kubeconfig.
std::vector<DesiredState::Sibling> Briefing::siblings_of(const std::string& context, WantedThrough& wanted) const {
  std::vector<DesiredState::Sibling> siblings;
  for (const auto& other : from_.book.peers(context)) {
    auto& targets = wanted[other];
    if (!targets) {
      targets = std::make_shared<const std::vector<Target>>(what_is_wanted_through(other));
      const auto equal =
          std::ranges::find_if(wanted, [&](const auto& known) { return known.second && *known.second == *targets; });
      targets = equal->second;
    }
    DesiredState::add_sibling(siblings,
                              {.context = other, .targets = targets, .is_proven = is_proven_peer(context, other)});
  }
  return siblings;
}

// Anybody who may write a Secret of a hub can put any address and authority into it, even of a cluster that does not
// admit this context. Only an admitted context learns the uid.
bool Briefing::is_proven_peer(const std::string& context, const std::string& other) const {
  const auto has_uid = [this](const std::string& name) {
    const ContextBook::Known* known = from_.book.find(name);
    return known != nullptr && !known->now().uid.empty();
  };
  return from_.contexts.in_kubeconfig() || (has_uid(context) && has_uid(other));
}

std::vector<Target> Briefing::what_is_wanted_through(const std::string& context) const {
  ContextFacts facts = facts_of(context);
  for (const auto& [name, plan] : from_.intent.plans()) {
    facts.targets.push_back({.target = &plan->target,
                             .selects = from_.contexts.selects(plan->target, context),
                             .is_leaving = plan->remove});
  }
  return wanted_through(facts, [&](const Target& target) { return from_.intent.meant_in(target, context); });
}

}  // namespace regsync
