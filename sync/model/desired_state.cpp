#include "sync/model/desired_state.hpp"

#include <algorithm>

namespace regsync {

namespace {

// A login of the whole host serves a registry with a path: kubelet then offers it to that path only.
RegistryKey host_of(const RegistryKey& key) { return RegistryKey(key.host()); }

Error no_login(const std::string& registry) {
  return {ErrorCode::not_found, "no login for " + registry + " in the secret store",
          "run `docker login " + registry + "`"};
}

}  // namespace

bool Plan::operator==(const Plan& other) const {
  const auto same_payload =
      payload == other.payload || (payload && other.payload && payload->digest() == other.payload->digest());
  const auto same_problems = std::equal(problems.begin(), problems.end(), other.problems.begin(), other.problems.end(),
                                        [](const Error& a, const Error& b) { return a.message() == b.message(); });
  const auto same_hold =
      held.has_value() == other.held.has_value() && (!held || held->message() == other.held->message());
  return target == other.target && same_payload && carried_over == other.carried_over && same_problems &&
         waiting == other.waiting && remove == other.remove && same_hold;
}

std::set<RegistryKey> wanted_registries(const Target& target) {
  std::set<RegistryKey> wanted;
  for (const auto& registry : target.registries) {
    const RegistryKey key(registry);
    wanted.insert(key);
    wanted.insert(host_of(key));
  }
  return wanted;
}

Plan make_plan(const Target& target, const KnownLogins& logins) {
  Plan plan;
  plan.target = target;
  std::size_t gone = 0;
  for (const auto& registry : target.registries) {
    const RegistryKey key(registry);
    auto found = logins.credentials.find(key);
    if (found == logins.credentials.end()) {
      found = logins.credentials.find(host_of(key));
    }
    if (const auto problem = logins.problems.find(key); problem != logins.problems.end()) {
      plan.problems.push_back(problem->second);
      if (found == logins.credentials.end()) {
        plan.carried_over.insert(key.auths_key());  // it failed: that is not a logout
        continue;
      }
    }
    if (found == logins.credentials.end()) {
      if (!logins.asked.contains(key)) {
        plan.waiting = true;  // unknown is not absent
        plan.carried_over.insert(key.auths_key());
        continue;
      }
      ++gone;
      plan.problems.push_back(no_login(registry));
      if (target.on_logout == OnLogout::keep) {
        plan.carried_over.insert(key.auths_key());
      }
      continue;
    }
    if (auto unfit = unfit_for_kubelet(*found->second)) {
      plan.problems.push_back(std::move(*unfit));
      plan.carried_over.insert(key.auths_key());
      continue;
    }
    plan.entries.emplace_back(key.auths_key(), found->second);
  }
  if (plan.waiting && logins.store_problem) {
    plan.problems.push_back(*logins.store_problem);
  }
  if (!plan.entries.empty() && !plan.waiting) {
    PullEntries entries;
    for (const auto& [key, credential] : plan.entries) {
      entries[key] = {credential->login.username, credential->secret.clone(), target.email};
    }
    plan.payload = std::make_shared<Payload>(entries);
  }
  plan.remove = gone == target.registries.size() && target.on_logout == OnLogout::remove;
  return plan;
}

Selected selects(const Target& target, const std::string& name_space, const NamespaceView* view,
                 const std::string& default_namespace) {
  if (matches_any(target.exclude_namespaces, name_space)) {
    return Selected::no;
  }
  if (target.namespaces.empty() && target.namespace_selector.empty()) {
    return name_space == default_namespace ? Selected::yes : Selected::no;
  }
  if (matches_any(target.namespaces, name_space)) {
    return Selected::yes;
  }
  if (target.namespace_selector.empty()) {
    return Selected::no;
  }
  if (view == nullptr) {
    return Selected::unknown;
  }
  constexpr auto own_name = "kubernetes.io/metadata.name";  // every API server since 1.21 sets it
  const auto answer = [&target](const Labels& labels) {
    return target.namespace_selector.matches(labels) ? Selected::yes : Selected::no;
  };
  if (!target.namespace_selector.mentions(own_name)) {
    return answer(view->labels);
  }
  Labels labels = view->labels;
  labels.try_emplace(own_name, name_space);
  return answer(labels);
}

DesiredState::DesiredState(std::string default_namespace, Plans plans, std::set<std::string> forgotten,
                           std::set<std::string> known_targets, std::set<std::string> kept)
    : default_namespace_(std::move(default_namespace)),
      plans_(std::move(plans)),
      forgotten_(std::move(forgotten)),
      known_targets_(std::move(known_targets)),
      kept_(std::move(kept)) {
  for (const auto& [name, plan] : plans_) {
    secret_names_.insert(plan->target.secret);
    service_account_names_.insert(plan->target.service_accounts.begin(), plan->target.service_accounts.end());
  }
}

bool DesiredState::names_plainly(const Plan& plan, const std::string& name_space) const {
  const auto& names = plan.target.namespaces;
  return std::find(names.begin(), names.end(), name_space) != names.end() ||
         (names.empty() && plan.target.namespace_selector.empty() && name_space == default_namespace_);
}

DesiredState::Claim DesiredState::claim(const Key& key, const NamespaceView* view, bool namespaces_complete) const {
  for (const auto& [name, plan] : plans_) {
    if (plan->target.secret != key.secret) {
      continue;
    }
    const auto selected = selects(plan->target, key.name_space, view, default_namespace_);
    if (selected == Selected::yes) {
      return {plan.get(), false};
    }
    if (selected == Selected::unknown && !namespaces_complete) {
      return {nullptr, true};
    }
  }
  return {};
}

Decision DesiredState::decide(const Key& key, const Facts& facts) const {
  const auto claimed = claim(key, facts.name_space, facts.namespaces_complete);
  if (claimed.plan != nullptr) {
    const auto stuck = [&claimed](ErrorCode code, const std::string& why, const std::string& remedy) {
      return Decision{Action::nothing, claimed.plan, SyncState::stuck, Error(code, why, remedy)};
    };
    if (facts.name_space != nullptr && facts.name_space->terminating) {
      return stuck(ErrorCode::namespace_terminating, "namespace " + key.name_space + " is being deleted",
                   "nothing to do; the Secret follows if the namespace is made again");
    }
    if (facts.name_space == nullptr && facts.namespaces_complete && !names_plainly(*claimed.plan, key.name_space)) {
      return {};  // a pattern selects of what there is
    }
    if (facts.name_space == nullptr && facts.namespaces_complete) {
      return stuck(ErrorCode::namespace_missing, "namespace " + key.name_space + " does not exist",
                   "create it, and the Secret follows: kubectl create namespace " + key.name_space);
    }
    return decide_claimed(key, *claimed.plan, facts);
  }
  const SecretView* observed = facts.secret;
  if (claimed.unknown || observed == nullptr || observed->ownership != Ownership::ours) {
    return {};
  }
  if (kept_.contains(observed->target)) {
    return {Action::release, nullptr, SyncState::removing, std::nullopt};
  }
  // Ours, and claimed by nobody. Its target must be known, or be forgotten on purpose: a target file that vanished is
  // no reason to delete anything.
  if (knows(observed->target)) {
    return {Action::remove, nullptr, SyncState::removing, std::nullopt};
  }
  return {};
}

Decision DesiredState::decide_claimed(const Key& key, const Plan& plan, const Facts& facts) const {
  const SecretView* observed = facts.secret;
  const auto subject = "Secret " + key.name_space + "/" + key.secret;
  const auto stuck = [&plan](Error cause) {
    return Decision{Action::nothing, &plan, SyncState::stuck, std::move(cause)};
  };
  const auto problem = plan.problems.empty() ? std::nullopt : std::make_optional(plan.problems.front());
  const bool ours = observed != nullptr && observed->ownership == Ownership::ours;

  if (observed != nullptr && !ours && !(facts.adopt && observed->right_type)) {
    if (!observed->right_type) {
      return stuck({ErrorCode::immutable, subject + " exists with another type, and a Secret's type cannot change",
                    "choose another name with --secret-name, or delete it: kubectl -n " + key.name_space +
                        " delete secret " + key.secret});
    }
    if (observed->ownership == Ownership::other_owner) {
      return stuck({ErrorCode::not_owned, subject + " is kept by another regsync, " + observed->holder,
                    "leave it to that one, or take it over: regsync sync " + plan.target.name + " --adopt"});
    }
    const auto manager =
        observed->holder.empty() ? "" : "; its .data belongs to field manager \"" + observed->holder + "\"";
    return stuck(
        {ErrorCode::not_owned, subject + " exists and was not made by regsync" + manager,
         "take it over: regsync sync " + plan.target.name + " --adopt; or delete it, or choose another --secret-name"});
  }
  if (plan.held && !ours) {
    return stuck(*plan.held);
  }
  if (plan.waiting) {
    return {Action::nothing, &plan, SyncState::pending, problem};
  }
  if (plan.remove) {
    return ours ? Decision{Action::remove, &plan, SyncState::removing, problem}
                : Decision{Action::nothing, &plan, SyncState::in_sync, problem};
  }
  if (!plan.payload) {
    return {Action::nothing, &plan, SyncState::stuck, problem};
  }
  if (observed == nullptr) {
    return {Action::create, &plan, SyncState::pending, problem};
  }
  // With entries to carry over, only the Secret itself tells what it should be: once merged, that stands.
  const bool same = plan.carried_over.empty()
                        ? observed->digest == plan.payload->digest()
                        : facts.written == plan.payload->id() && observed->digest == facts.accepted;
  if (ours && same && observed->right_type && observed->target == plan.target.name) {
    return {Action::nothing, &plan, problem ? SyncState::stuck : SyncState::in_sync, problem};
  }
  if (observed->immutable) {
    return stuck({ErrorCode::immutable, subject + " is marked immutable, so its data cannot change",
                  "delete it, and it is made anew: kubectl -n " + key.name_space + " delete secret " + key.secret});
  }
  return {ours ? Action::update : Action::adopt, &plan, SyncState::pending, problem};
}

}  // namespace regsync
