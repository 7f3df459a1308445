#include "sync/engine/intent.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include "sync/engine/context_checks.hpp"

namespace regsync {

namespace {

std::shared_ptr<const Plan> same_or_new(const DesiredState::Plans& before, Plan plan) {
  const auto known = before.find(plan.target.name);
  return known != before.end() && *known->second == plan ? known->second
                                                         : std::make_shared<const Plan>(std::move(plan));
}

// The ServiceAccounts that an unsettled target seems to have lost.
std::vector<std::string> lost_accounts(const Target& target, const Places& places) {
  std::vector<std::string> lost;
  if (places.secrets.contains(target.secret)) {
    const auto& accounts = target.service_accounts;
    std::ranges::copy_if(places.service_accounts, std::back_inserter(lost), [&](const std::string& account) {
      return std::ranges::find(accounts, account) == accounts.end();
    });
  }
  return lost;
}

}  // namespace

void Intent::make_plans(KnownLogins logins) {
  DesiredState::Plans plans;
  for (const auto& [name, file] : targets_.files()) {
    if (!file.target) {
      continue;
    }
    const auto known = plans_.find(name);
    if (known != plans_.end() && known->second->target == *file.target &&
        same_logins(*file.target, known_logins_, logins)) {
      plans[name] = known->second;
      continue;
    }
    Plan plan = make_plan(*file.target, logins);
    plan.since = known == plans_.end() ? std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
                                       : known->second->since;
    plans[name] = same_or_new(plans_, std::move(plan));
  }
  plans_ = std::move(plans);
  known_logins_ = std::move(logins);
}

void Intent::resolve() {
  wanted_.clear();
  undecided_.clear();
  for (const auto& [name, plan] : plans_) {
    auto& contexts = wanted_[name];
    const auto declared = std::make_shared<const Target>(plan->target);
    for (const auto& context : contexts_.names()) {
      if (!contexts_.find(context) || !contexts_.selects(plan->target, context)) {
        continue;
      }
      Meant meant{.declared = declared};
      if (uses_own_namespace(*declared)) {
        meant.own_namespace = own_namespace(*declared, context);
        if (!meant.own_namespace) {
          undecided_[name].insert(context);
          continue;
        }
      }
      const Footprint* footprint = footprints_.find(name);
      if (!targets_.settled(name) && footprint != nullptr && footprint->contexts.contains(context)) {
        meant.kept_accounts = lost_accounts(*declared, footprint->contexts.at(context));
      }
      contexts.emplace(context, std::move(meant));
      if (targets_.withholds(name)) {
        undecided_[name].insert(context);
      }
    }
  }
}

bool Intent::needs(const std::string& context) const {
  const bool is_selected =
      std::ranges::any_of(plans_, [&](const auto& plan) { return contexts_.selects(plan.second->target, context); });
  return is_used(context, is_selected, footprints_.all());
}

bool Intent::is_pinned(const std::string& context) const {
  return std::ranges::any_of(plans_, [&](const auto& plan) { return pins(plan.second->target, context); });
}

std::optional<Target> Intent::meant_in(const Target& target, const std::string& context) const {
  if (!uses_own_namespace(target)) {
    return target;
  }
  const auto own = own_namespace(target, context);
  return own ? std::optional(resolved(target, *own)) : std::nullopt;
}

std::optional<std::string> Intent::own_namespace(const Target& target, const std::string& context) const {
  const Footprint* footprint = footprints_.find(target.name);
  const bool was_there = footprint != nullptr && footprint->contexts.contains(context);
  auto own = footprints_.own_namespace(target.name, context);
  if (!own && (!was_there || targets_.settled(target.name))) {
    own = contexts_.current_namespace(context);
  }
  return own;
}

bool Intent::labels_count(const Target& target, const std::string& context) const {
  return target.context_selector.empty() || contexts_.labels_settled(context);
}

}  // namespace regsync
