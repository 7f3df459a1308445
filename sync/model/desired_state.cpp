#include "sync/model/desired_state.hpp"

#include <algorithm>

#include "helper/base/shell_word.hpp"
#include "sync/base/field_manager.hpp"
#include "sync/model/names.hpp"

namespace regsync {

namespace {

Error no_login(const std::string& registry, bool in_files) {
  if (in_files) {
    return {ErrorCode::login_missing, "no login for " + registry + " in the login files",
            RegistryKey(registry).account().empty()
                ? "add it to one of them: podman login --authfile FILE " + shell_word(registry)
                : R"(add it to one of them: {"auths": {")" + registry + R"(": {"auth": ...}}})"};
  }
  return {ErrorCode::login_missing, "no login for " + registry + " in the keyring",
          "run `" + login_command(RegistryKey(registry)) + "`"};
}

// Whether the Secret is ours: by its marks or, if it is older than regsync.dev/place, because a footprint covers the
// place and nobody else wrote its data (whoever copies a Secret becomes the manager of the copy's data).
bool is_ours(const Facts& facts) {
  return facts.secret->ownership == Ownership::ours ||
         (facts.secret->ownership == Ownership::unplaced && facts.remembered && facts.secret->holder == field_manager);
}

// Whether data and type are as wanted. With entries to carry over, the wanted data depends on the Secret itself: once
// merged, it stands. written: this payload was written last; accepted: the digest of the Secret after that write.
bool holds_payload(const SecretView& secret, const Plan& plan, bool written, const Digest& accepted) {
  const bool same =
      plan.carried_over.empty() ? secret.digest == plan.payload->digest() : written && secret.digest == accepted;
  return same && secret.right_type;
}

// Whether --adopt was given for this very object: one created in its place since belongs to somebody else again.
bool is_to_be_adopted(const Facts& facts) {
  return facts.secret->right_type && !facts.adopt.empty() && facts.secret->uid == facts.adopt;
}

// The target of the Secret; "" if there is none, or it is not ours.
std::string_view holder_of(const Facts& facts) {
  return facts.secret != nullptr && is_ours(facts) ? std::string_view(facts.secret->target) : std::string_view();
}

Error kept_for_successor(const Key& key, const Target& target) {
  return {ErrorCode::cancelled,
          subject_of(key) + " is kept until Secret " + target.secret + ", which target " + target.name +
              " has there instead, is in sync",
          "mend that one, or go back to this name: regsync set " + target.name + " secret=" + key.secret};
}

// The decision for a Secret until its successor, which the plan wants, is in sync: pods pull with it, so it is kept
// current if possible.
Decision keep_for_successor(const Key& key, const Plan& plan, const Facts& facts) {
  const SecretView& observed = *facts.secret;
  Decision decision{Action::nothing, nullptr, SyncState::removing, kept_for_successor(key, plan.target)};
  const bool is_ending = facts.name_space != nullptr && facts.name_space->terminating;
  if (is_ending || plan.frozen || plan.waiting || !plan.payload) {
    return decision;
  }
  decision.plan = &plan;
  const bool written = facts.written == plan.payload->id();
  if (observed.right_type && !observed.immutable && !holds_payload(observed, plan, written, facts.accepted)) {
    decision.action = Action::update;
    decision.why = written ? Why::drifted : Why::outdated;
  }
  return decision;
}

std::string held_by(const std::string& finalizers) {
  return finalizers.empty() ? "it is held back" : "held back by the finalizer " + finalizers;
}

std::string let_go(const Key& key) {
  return "see to it that whoever set it lets go, or take it away: kubectl -n " + key.name_space + " patch secret " +
         key.secret + R"( --type=merge -p '{"metadata":{"finalizers":null}}')";
}

// For a wanted Secret that was deleted.
Error deleted_but_wanted(const Key& key, const SecretView& secret) {
  return {ErrorCode::rejected,
          subject_of(key) + " was deleted, and is made anew once it is gone: " + held_by(secret.finalizers),
          let_go(key)};
}

Error labels_just_changed(const Key& key) {
  return {ErrorCode::cancelled,
          subject_of(key) + " is deleted once the labels of namespace " + key.name_space +
              " have not matched the target for some seconds",
          "to keep it: put the label back, or name the namespace in `namespaces:`"};
}

// Why a Secret that is not ours, in the place where a plan wants its own, is left alone.
Error obstacle(const Key& key, const Plan& plan, const Facts& facts) {
  const SecretView& observed = *facts.secret;
  const auto subject = subject_of(key);
  const auto take_over = "regsync sync " + plan.target.name + " --adopt";
  const auto use_another = "use another Secret: regsync set " + plan.target.name + " secret=OTHER";
  if (!observed.right_type) {
    return {ErrorCode::immutable, subject + " exists with another type, and a Secret's type cannot change",
            use_another + "; or delete it: kubectl -n " + key.name_space + " delete secret " + key.secret};
  }
  if (!plan.payload && !plan.waiting && !plan.remove && !plan.problems.empty()) {
    return plan.problems.front();  // taking it over does not help while there is nothing to write
  }
  switch (observed.ownership) {
    case Ownership::other_owner:
      if (observed.holder == facts.holder) {
        return {ErrorCode::not_owned,
                subject +
                    " was made by this user on this machine, under another owner id: regsync's state folder was "
                    "lost, or another one is used",
                "take back all that this user made here: regsync sync --adopt"};
      }
      return {ErrorCode::not_owned, subject + " is kept by another regsync, " + observed.holder,
              "leave it to that one, or take it over: " + take_over};
    case Ownership::copy:
      return {ErrorCode::not_owned, subject + " is a copy of " + observed.holder + ", made by somebody else",
              "take it over, if nothing else writes it: " + take_over + "; or delete it, or " + use_another};
    case Ownership::relabelled:
      return {ErrorCode::not_owned,
              subject + " was written by regsync, but its label " + std::string(managed_by_label) + " is " +
                  (observed.holder.empty() ? "gone" : "now \"" + observed.holder + "\"") +
                  ", so regsync leaves it alone",
              "if a policy of the cluster forces that label, exempt Secrets of regsync from it; then take it back: " +
                  take_over};
    default: {
      if (is_unmarked(observed)) {
        return {ErrorCode::not_owned,
                subject +
                    " was written by regsync, but is nobody's now: it was given away with --keep-secrets, or "
                    "somebody took its label or its annotations off",
                "take it back: " + take_over + "; or delete it, or " + use_another};
      }
      const auto manager =
          observed.holder.empty() ? "" : "; its .data belongs to field manager \"" + observed.holder + "\"";
      return {ErrorCode::not_owned, subject + " exists and was not made by regsync" + manager,
              "take it over: " + take_over + "; or delete it, or " + use_another};
    }
  }
}

}  // namespace

Error is_immutable(const Key& key) {
  return {ErrorCode::immutable, subject_of(key) + " is marked immutable, so its data cannot change",
          "delete it, and regsync creates it again: kubectl -n " + key.name_space + " delete secret " + key.secret};
}

Error held_by_finalizers(const Key& key, const std::string& finalizers) {
  return {ErrorCode::rejected,
          subject_of(key) + " was deleted, and is still there with the password in it: " + held_by(finalizers),
          let_go(key)};
}

bool Plan::operator==(const Plan& other) const {
  const auto same_payload =
      payload == other.payload || (payload && other.payload && payload->digest() == other.payload->digest());
  return target == other.target && same_payload && carried_over == other.carried_over && problems == other.problems &&
         waiting == other.waiting && awaits == other.awaits && remove == other.remove && held == other.held &&
         frozen == other.frozen;
}

LoginKeeper KnownLogins::keeper_of(const RegistryKey& registry) const {
  const auto keeper = keepers.find(registry);
  return keeper != keepers.end() ? keeper->second : LoginKeeper{.file = in_files ? "FILE" : "", .helper = {}};
}

std::set<RegistryKey> wanted_registries(const Target& target) {
  std::set<RegistryKey> wanted;
  for (const auto& registry : target.registries) {
    const RegistryKey key(registry);
    wanted.insert(key);
    wanted.insert(key.whole_host());
  }
  return wanted;
}

namespace {

enum class LoginState { usable, unknown, gone };

Error not_known_yet(const RegistryKey& registry, const KnownLogins& logins) {
  auto helper = logins.awaited.find(registry);
  if (helper == logins.awaited.end()) {
    helper = logins.awaited.find(registry.whole_host());
  }
  if (helper == logins.awaited.end()) {
    return {ErrorCode::store_unavailable,
            std::string(logins.in_files ? "the files of logins were" : "the keyring was") +
                " not read completely yet; waiting for the login for " + registry.value(),
            "if that lasts: regsync doctor"};
  }
  return {ErrorCode::credential_plugin,
          helper->second + " has not answered yet; waiting for its login for " + registry.value(),
          "if that lasts: echo " + shell_word(registry.registry()) + " | " + shell_word(helper->second) + " get"};
}

// Adds one registry to a plan: its login, or its problem. A login of the whole host serves a registry with a path:
// kubelet then offers it for that path only. Each account has its own logins.
LoginState add_registry(Plan& plan, const std::string& registry, const KnownLogins& logins) {
  const RegistryKey key(registry);
  const RegistryKey whole_host = key.whole_host();
  const std::string entry = auths_key_of(registry);
  auto found = logins.credentials.find(key);
  if (found == logins.credentials.end()) {
    found = logins.credentials.find(whole_host);
  }
  const bool has_login = found != logins.credentials.end();
  auto problem = logins.problems.find(key);
  if (problem == logins.problems.end() && (!has_login || found->first != key)) {
    problem = logins.problems.find(whole_host);
  }
  if (problem != logins.problems.end()) {
    plan.problems.push_back(problem->second);
  }
  if (!has_login && problem != logins.problems.end()) {
    plan.carried_over.insert(entry);  // a failure is not a logout
    return LoginState::unknown;
  }
  if (!has_login && !(logins.asked.contains(key) && logins.asked.contains(whole_host))) {
    plan.waiting = true;  // unknown is not absent
    plan.awaits = plan.awaits ? plan.awaits : not_known_yet(key, logins);
    plan.carried_over.insert(entry);
    return LoginState::unknown;
  }
  if (!has_login) {
    const bool is_gone = logins.gone.contains(key) || logins.gone.contains(whole_host);
    plan.problems.push_back(no_login(registry, logins.in_files));
    if (!is_gone || plan.target.on_logout == OnLogout::keep) {
      plan.carried_over.insert(entry);
    }
    return is_gone ? LoginState::gone : LoginState::unknown;
  }
  if (auto unfit = unfit_for_kubelet(*found->second, logins.keeper_of(found->first))) {
    plan.problems.push_back(std::move(*unfit));
    plan.carried_over.insert(entry);
    return LoginState::unknown;
  }
  plan.entries.emplace_back(entry, found->second);
  return LoginState::usable;
}

}  // namespace

PullEntries Plan::entries_over(std::string_view present) const {
  PullEntries there = parse_docker_config_json(present);
  PullEntries result;
  for (const auto& key : carried_over) {
    auto kept = there.find(key);
    if (kept == there.end()) {
      kept = there.find(auths_key_of(std::string_view(key).substr(0, key.find('/'))));
    }
    if (kept != there.end()) {
      result.insert(there.extract(kept));
    }
  }
  for (const auto& [key, credential] : entries) {
    result[key] = {credential->login.username, credential->secret.clone(), target.email};
  }
  return result;
}

Plan make_plan(const Target& target, const KnownLogins& logins) {
  Plan plan;
  plan.target = target;
  std::size_t gone = 0;
  for (const auto& registry : target.registries) {
    gone += add_registry(plan, registry, logins) == LoginState::gone ? 1 : 0;
  }
  if (plan.waiting && logins.store_problem) {
    plan.problems.push_back(*logins.store_problem);
  }
  if (!plan.entries.empty() && !plan.waiting) {
    plan.payload = std::make_shared<Payload>(plan.entries_over(""));
  }
  plan.remove = gone == target.registries.size() && target.on_logout == OnLogout::remove;
  return plan;
}

bool same_logins(const Target& target, const KnownLogins& one, const KnownLogins& other) {
  if (one.store_problem != other.store_problem || one.in_files != other.in_files) {
    return false;
  }
  const auto credential = [](const KnownLogins& logins, const RegistryKey& key) {
    const auto found = logins.credentials.find(key);
    return found == logins.credentials.end() ? nullptr : found->second;
  };
  const auto problem = [](const KnownLogins& logins, const RegistryKey& key) {
    const auto found = logins.problems.find(key);
    return found == logins.problems.end() ? std::nullopt : std::optional(found->second);
  };
  return std::ranges::all_of(wanted_registries(target), [&](const RegistryKey& key) {
    return credential(one, key) == credential(other, key) && problem(one, key) == problem(other, key) &&
           one.keeper_of(key) == other.keeper_of(key) && one.awaited.contains(key) == other.awaited.contains(key) &&
           one.asked.contains(key) == other.asked.contains(key) && one.gone.contains(key) == other.gone.contains(key);
  });
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
  constexpr auto own_name = "kubernetes.io/metadata.name";  // set by every API server since 1.21
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

DesiredState::DesiredState(Inputs inputs)
    : default_namespace_(std::move(inputs.default_namespace)),
      siblings_(std::move(inputs.siblings)),
      plans_(std::make_shared<const Plans>(std::move(inputs.plans))) {
  const auto frame = std::make_shared<Frame>();
  frame->deletion = std::move(inputs.deletion);
  for (const auto& [name, plan] : *plans_) {
    frame->by_secret[plan->target.secret].push_back(name);
  }
  frame_ = frame;
}

void DesiredState::add_sibling(std::vector<Sibling>& siblings, Sibling sibling) {
  const auto says_as_much = [&](const Sibling& other) {
    return other.wants(*sibling.targets) && (other.is_proven || !sibling.is_proven);
  };
  if (!sibling.targets->empty() && std::ranges::none_of(siblings, says_as_much)) {
    siblings.push_back(std::move(sibling));
  }
}

DesiredState DesiredState::with(std::shared_ptr<const Plans> plans) const {
  DesiredState other = *this;
  other.plans_ = std::move(plans);
  return other;
}

void DesiredState::share_with(const DesiredState& other) {
  if (*plans_ == *other.plans_) {
    plans_ = other.plans_;
  }
  if (*frame_ == *other.frame_) {
    frame_ = other.frame_;
  }
}

std::vector<std::string> DesiredState::targets_of(const std::string& secret) const {
  const auto targets = frame_->by_secret.find(secret);
  return targets == frame_->by_secret.end() ? std::vector<std::string>() : targets->second;
}

bool DesiredState::operator==(const DesiredState& other) const {
  return (plans_ == other.plans_ || *plans_ == *other.plans_) && (frame_ == other.frame_ || *frame_ == *other.frame_) &&
         default_namespace_ == other.default_namespace_ && siblings_ == other.siblings_;
}

bool DesiredState::is_paused(const std::string& target) const {
  const auto plan = plans_->find(target);
  return plan != plans_->end() && plan->second->target.paused;
}

// Whether a target that does not claim the key declares that its Secret there is to be deleted.
bool DesiredState::gives_up(const std::string& target, const Key& key) const {
  const auto places = frame_->deletion.bound.find(target);
  return frame_->deletion.known_targets.contains(target) &&
         (places == frame_->deletion.bound.end() || places->second.cover(key));
}

// Whether a target would select a namespace, which it does not select now, if its labels were different, through any
// context.
bool DesiredState::goes_by_labels(std::string_view target, const std::string& name_space) const {
  const auto does = [&](const Target& candidate) {
    return candidate.name == target && !candidate.namespace_selector.empty() &&
           !matches_any(candidate.exclude_namespaces, name_space);
  };
  const auto plan = plans_->find(std::string(target));
  return (plan != plans_->end() && does(plan->second->target)) ||
         std::ranges::any_of(siblings_,
                             [&](const Sibling& sibling) { return std::ranges::any_of(*sibling.targets, does); });
}

bool DesiredState::names_plainly(const Plan& plan, const std::string& name_space) const {
  const auto& names = plan.target.namespaces;
  return std::find(names.begin(), names.end(), name_space) != names.end() ||
         (names.empty() && plan.target.namespace_selector.empty() && name_space == default_namespace_);
}

DesiredState::Claim DesiredState::claim(const Key& key, const Facts& facts) const {
  Claim first = claim_here(key, facts);
  const auto holder = holder_of(facts);
  const auto comes_before = [&](const Sibling& sibling, const std::string& name, const std::string& other) {
    return other != holder && (name == holder || (sibling.is_proven && name < other));
  };
  for (const auto& sibling : siblings_) {
    for (const auto& target : *sibling.targets) {
      const auto* before = first.plan != nullptr && !first.plan->remove ? &first.plan->target : first.elsewhere;
      if (target.secret != key.secret || (before != nullptr && !comes_before(sibling, target.name, before->name))) {
        continue;
      }
      const auto selected = selects(target, key.name_space, facts.name_space, default_namespace_);
      if (selected == Selected::yes) {
        first = {.elsewhere = &target, .through = &sibling.context};
      } else if (selected == Selected::unknown && !facts.namespace_is_missing()) {
        return {.unknown = true};
      }
    }
  }
  const bool may_come_back =
      frame_->deletion.uncertain.contains(holder) || (!facts.labels_settled && goes_by_labels(holder, key.name_space));
  if (first.plan != nullptr && first.plan->target.name != holder && may_come_back) {
    return {.unknown = true, .holder = holder};
  }
  return first;
}

DesiredState::Claim DesiredState::claim_here(const Key& key, const Facts& facts) const {
  const auto plans = frame_->by_secret.find(key.secret);
  if (plans == frame_->by_secret.end()) {
    return {};
  }
  const auto holder = holder_of(facts);
  for (const bool removes : {false, true}) {
    for (const bool of_the_holder : {true, false}) {
      for (const auto& name : plans->second) {
        const Plan* plan = plans_->at(name).get();
        if (plan->remove != removes || (name == holder) != of_the_holder) {
          continue;
        }
        const auto selected = selects(plan->target, key.name_space, facts.name_space, default_namespace_);
        if (selected == Selected::yes) {
          return {plan, false};
        }
        if (selected == Selected::unknown && !facts.namespace_is_missing()) {
          return {nullptr, true};
        }
      }
    }
  }
  return {};
}

std::optional<Key> DesiredState::successor_of(const Key& key, const Facts& facts) const {
  if (facts.secret == nullptr || !is_ours(facts)) {
    return std::nullopt;
  }
  const auto plan = plans_->find(facts.secret->target);
  if (plan == plans_->end() || plan->second->remove || plan->second->target.secret == key.secret ||
      selects(plan->second->target, key.name_space, facts.name_space, default_namespace_) == Selected::no) {
    return std::nullopt;
  }
  return Key{key.name_space, plan->second->target.secret};
}

std::optional<Error> DesiredState::Claim::refusal_of(const Plan& asking) const {
  std::string why;
  if (asking.remove) {
    return std::nullopt;
  }
  if (plan != nullptr && plan != &asking) {
    why = "target " + plan->target.name + " claims the same Secret";
  } else if (elsewhere != nullptr) {
    why = "target " + elsewhere->name + " claims the same Secret through context " + *through +
          ", which leads to the same cluster";
  } else {
    return std::nullopt;
  }
  return Error(ErrorCode::already_exists, why, "give one of them another name with `secret:`");
}

Decision DesiredState::decide(const Key& key, const Facts& facts) const {
  const auto claimed = claim(key, facts);
  if (claimed.unknown || claimed.elsewhere != nullptr) {
    return {};
  }
  if (claimed.plan == nullptr) {
    return decide_unclaimed(key, facts);
  }
  if (claimed.plan->target.paused ||
      (facts.secret != nullptr && facts.secret->ownership == Ownership::ours && is_paused(facts.secret->target))) {
    return {Action::nothing, claimed.plan, SyncState::paused, std::nullopt};
  }
  if (facts.name_space != nullptr && facts.name_space->terminating) {
    return {Action::nothing, claimed.plan, SyncState::terminating, std::nullopt};
  }
  if (facts.namespace_is_missing() && !names_plainly(*claimed.plan, key.name_space)) {
    return {};  // a pattern selects only existing namespaces
  }
  if (facts.namespace_is_missing()) {
    return {Action::nothing, claimed.plan, SyncState::stuck,
            Error(ErrorCode::namespace_missing, "namespace " + key.name_space + " does not exist",
                  is_label_name(key.name_space)
                      ? "create it, and the Secret follows: kubectl create namespace " + key.name_space
                      : "no namespace can have this name: correct it where it comes from, the kubeconfig's context "
                        "(kubectl config set-context CONTEXT --namespace=NAME) or the target")};
  }
  return decide_claimed(key, *claimed.plan, facts);
}

// For a Secret that is ours and unclaimed. Its target must be known, or forgotten on purpose: a target file that
// vanished is no reason to delete anything.
Decision DesiredState::decide_unclaimed(const Key& key, const Facts& facts) const {
  if (facts.secret == nullptr) {
    // Nothing records which target attached it: all targets that had Secrets here must have given them up.
    const bool given_up = facts.remembered && !frame_->deletion.in_doubt.cover(key);
    return facts.attached && given_up
               ? Decision{Action::detach, nullptr, SyncState::removing, std::nullopt, Why::detach}
               : Decision{};
  }
  if (!is_ours(facts)) {
    return {};
  }
  const auto& target = facts.secret->target;
  if (frame_->deletion.kept.contains(target)) {
    return {Action::release, nullptr, SyncState::removing, std::nullopt, Why::given_away};
  }
  if (frame_->deletion.forgotten.contains(target)) {
    return {Action::remove, nullptr, SyncState::removing, std::nullopt, Why::target_removed};
  }
  if (!gives_up(target, key)) {
    return {};
  }
  if (facts.awaits_successor) {
    return keep_for_successor(key, *plans_->at(target), facts);
  }
  if (!goes_by_labels(target, key.name_space)) {
    return {Action::remove, nullptr, SyncState::removing, std::nullopt, Why::not_covered};
  }
  if (!facts.labels_settled) {
    return {Action::nothing, nullptr, SyncState::removing, labels_just_changed(key), Why::unlabelled};
  }
  return {Action::remove, nullptr, SyncState::removing, std::nullopt, Why::unlabelled};
}

Decision DesiredState::decide_claimed(const Key& key, const Plan& plan, const Facts& facts) const {
  const SecretView* observed = facts.secret;
  const auto stuck = [&plan](Error cause) {
    return Decision{Action::nothing, &plan, SyncState::stuck, std::move(cause)};
  };
  const auto problem = plan.problems.empty() ? std::nullopt : std::make_optional(plan.problems.front());
  // Older than regsync.dev/place, but of this target and where this target wants it.
  const bool expected =
      observed != nullptr && observed->ownership == Ownership::unplaced && observed->target == plan.target.name;
  const bool ours = observed != nullptr && (expected || is_ours(facts));

  if (observed != nullptr && !ours && !is_to_be_adopted(facts)) {
    return stuck(obstacle(key, plan, facts));
  }
  if (plan.held && (plan.frozen || !ours)) {
    return stuck(*plan.held);
  }
  if (plan.waiting) {
    return {Action::nothing, &plan, SyncState::pending, problem ? problem : plan.awaits};
  }
  if (plan.remove) {
    return ours ? Decision{Action::remove, &plan, SyncState::removing, problem, Why::logged_out}
                : Decision{Action::nothing, &plan, SyncState::in_sync, problem};
  }
  if (!plan.payload) {
    return {Action::nothing, &plan, SyncState::stuck, problem};
  }
  if (observed == nullptr) {
    return {Action::create, &plan, SyncState::pending, problem, Why::missing};
  }
  const bool written = facts.written == plan.payload->id();
  const bool holds_it = holds_payload(*observed, plan, written, facts.accepted);
  const bool right = holds_it && observed->target == plan.target.name;
  if (right && observed->ownership == Ownership::ours && observed->terminating) {
    return stuck(deleted_but_wanted(key, *observed));
  }
  if (right && observed->ownership == Ownership::ours) {
    return {Action::nothing, &plan, problem ? SyncState::stuck : SyncState::in_sync, problem};
  }
  // Labels and annotations of an immutable Secret can still be written, and that may be enough with carried-over
  // entries: only a read tells.
  if (observed->immutable && !holds_it && plan.carried_over.empty()) {
    return stuck(is_immutable(key));
  }
  if (!ours) {
    return {Action::adopt, &plan, SyncState::pending, problem, Why::adopted};
  }
  const auto why = right ? Why::unplaced : written ? Why::drifted : Why::outdated;
  return {Action::update, &plan, SyncState::pending, problem, why};
}

std::optional<std::set<std::string>> DesiredState::secrets_that_differ_from(const DesiredState& before) const {
  const Frame& known = *before.frame_;
  const bool same_frame = frame_ == before.frame_ || frame_->deletion == known.deletion;
  if (!same_frame || default_namespace_ != before.default_namespace_ || siblings_ != before.siblings_) {
    return std::nullopt;
  }
  std::set<std::string> names;
  auto now = plans_->begin();
  auto then = before.plans_->begin();
  while (plans_ != before.plans_ && (now != plans_->end() || then != before.plans_->end())) {
    const bool only_now = then == before.plans_->end() || (now != plans_->end() && now->first < then->first);
    const bool only_then = now == plans_->end() || (then != before.plans_->end() && then->first < now->first);
    if (only_now || only_then || now->second != then->second) {
      names.insert((only_then ? then : now)->second->target.secret);
      names.insert((only_now ? now : then)->second->target.secret);
    }
    if (!only_then) {
      ++now;
    }
    if (!only_now) {
      ++then;
    }
  }
  return names;
}

}  // namespace regsync
