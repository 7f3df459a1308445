#include "sync/cluster/reconciler.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/resource_version.hpp"
#include "sync/cluster/repair_pace.hpp"
#include "sync/cluster/write_trouble.hpp"

namespace regsync {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

// A write that lost a race is decided again on the new state; further losses are left to the queue.
constexpr int max_races = 4;

// A separate function: g++ 12 cannot compile the path's initializer list inside a coroutine.
std::string uid_of(const nlohmann::json& secret) { return std::string(text_at(secret, {"metadata", "uid"})); }

kube::ObjectPath secret_path(const Key& key) {
  kube::ObjectPath path;
  path.resource = "secrets";
  path.name_space = key.name_space;
  path.name = key.secret;
  return path;
}

Stamp stamp_now() { return std::chrono::floor<Stamp::duration>(system_clock::now()); }

}  // namespace

// The state of one call of reconcile().
struct Reconciler::Run {
  Key key;
  std::shared_ptr<const DesiredState> desired;
  bool written = false;  // its first write was counted
};

Reconciler::Reconciler(kube::KubeClient& client, ClusterCache& cache, const WatchTable& table, Owner owner,
                       Handlers handlers)
    : client_(client),
      cache_(cache),
      table_(table),
      owner_(std::move(owner)),
      handlers_(std::move(handlers)),
      attachments_(client, cache, table, owner_.id) {}

Facts Reconciler::facts(const Key& key) const {
  Facts facts;
  facts.name_space = cache_.find_namespace(key.name_space);
  facts.labels_settled = cache_.labels_settled(key.name_space);
  facts.namespaces_complete = cache_.namespaces_complete();
  facts.remembered = table_.places->cover(key);
  facts.holder = owner_.holder();
  if (const Entry* entry = cache_.find(key)) {
    facts.secret = entry->observed.secret.get();
    facts.written = entry->progress.written;
    facts.accepted = entry->progress.accepted;
  }
  if (const auto adoption = adoptions_.find(key); adoption != adoptions_.end()) {
    facts.adopt = adoption->second;
  }
  facts.attached = facts.secret == nullptr && !attachments_.excess(key, nullptr).empty();
  return facts;
}

Decision Reconciler::decide(const Key& key, const DesiredState& desired) const {
  Facts known = facts(key);
  const auto successor = desired.successor_of(key, known);
  known.awaits_successor = successor && !is_in_sync(*successor, known.secret->target, desired);
  return desired.decide(key, known);
}

bool Reconciler::is_in_sync(const Key& key, const std::string& target, const DesiredState& desired) const {
  if (table_.trust(key) == Trust::not_yet) {
    return false;
  }
  const Decision decision = desired.decide(key, facts(key));
  return decision.plan != nullptr && decision.plan->target.name == target && decision.state == SyncState::in_sync &&
         !has_work(key, decision);
}

void Reconciler::adopt(const Key& key) {
  if (const Entry* entry = cache_.find(key); entry != nullptr && entry->observed.secret) {
    adoptions_[key] = entry->observed.secret->uid;
  }
}

std::vector<Key> Reconciler::end_adoptions() {
  std::vector<Key> left;
  for (const auto& [key, uid] : std::exchange(adoptions_, {})) {
    left.push_back(key);
  }
  return left;
}

bool Reconciler::has_work(const Key& key, const Decision& decision) const {
  return decision.action != Action::nothing ||
         (decision.keeps_accounts() && !attachments_.in_order(key, *decision.plan));
}

Trust Reconciler::trust(const Key& key, const DesiredState& desired) const {
  const Trust trust = table_.trust(key);
  if (trust != Trust::not_yet && unconfirmed_.contains(key)) {
    return Trust::on_demand;  // the cached state may be out of date
  }
  const auto is_forbidden = [&](const std::string& account) {
    return table_.account_forbidden(key.name_space, account).has_value();
  };
  if (trust == Trust::not_yet || trust == Trust::on_demand ||
      std::ranges::none_of(table_.places->service_accounts, is_forbidden)) {
    return trust;
  }
  const Plan* plan = desired.claim(key, facts(key)).plan;
  return plan != nullptr && std::ranges::any_of(plan->target.service_accounts, is_forbidden) ? Trust::on_demand : trust;
}

asio::awaitable<Outcome> Reconciler::reconcile(Key key, Trust trust) {
  std::optional<Error> failure;
  Run run{key, handlers_.desired()};
  const bool was_lost = unconfirmed_.contains(key);
  try {
    if (auto hold = co_await work_on(run, trust)) {
      note(key, SyncState::retrying, std::move(hold->fight));
      co_return Outcome{Outcome::Kind::wait, hold->wait};
    }
    Outcome outcome = record(key, decide(key, *run.desired), trust);
    if (was_lost && this->trust(key, *run.desired) != Trust::on_demand) {
      outcome.kind = Outcome::Kind::done;
    }
    co_return outcome;
  } catch (const Error& error) {
    failure = error;
  }
  if (failure->code() == ErrorCode::cancelled) {
    co_return Outcome{Outcome::Kind::retry};
  }
  // If namespaces may not be listed, no event reports that one was created or re-created.
  const bool is_untold = !cache_.namespaces_complete();
  if (failure->code() == ErrorCode::namespace_terminating) {  // nothing to do, and not a failure
    note(key, SyncState::terminating, std::nullopt);
    co_return Outcome{is_untold ? Outcome::Kind::retry : Outcome::Kind::wait};
  }
  const bool stuck = needs_help(failure->code());
  // Rights may be about to be granted: as for watches, the first retries come soon.
  const bool is_soon = !stuck || failure->code() == ErrorCode::forbidden ||
                       (failure->code() == ErrorCode::namespace_missing && is_untold);
  const auto after = failure->retry_after();
  note(key, stuck ? SyncState::stuck : SyncState::retrying, std::move(failure));
  if (after && !stuck) {
    co_return Outcome{Outcome::Kind::busy, after};
  }
  co_return Outcome{is_soon ? Outcome::Kind::retry : Outcome::Kind::wait, after};
}

// Returns when nothing is left to do, or with what holds the work back.
asio::awaitable<std::optional<Reconciler::Hold>> Reconciler::work_on(Run& run, Trust trust) {
  if (trust == Trust::on_demand) {
    co_await read(run.key);
  }
  bool may_be_unseen = trust == Trust::labelled;
  std::string refusal;
  for (int race = 0; race < max_races; ++race) {
    run.desired = handlers_.desired();
    const Decision decision = decide(run.key, *run.desired);
    const bool takes_it_for_missing = decision.action == Action::create || decision.action == Action::detach;
    if (takes_it_for_missing && std::exchange(may_be_unseen, false)) {
      co_await read(run.key);
      continue;
    }
    if (auto hold = hold_back(run.key, decision)) {
      co_return hold;
    }
    if (decision.action == Action::nothing) {
      std::optional<Hold> hold;
      if (decision.keeps_accounts()) {
        hold = co_await put_accounts_in_order(run, decision);
      }
      if (stands(run, decision)) {
        co_return hold;
      }
      continue;
    }
    bool lost_race = false;
    try {
      co_await act(run, decision);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::stale) {
        throw;
      }
      lost_race = true;
      refusal = ": " + error.message();
    }
    if (lost_race) {
      co_await read(run.key);
    }
  }
  throw Error(ErrorCode::stale, subject_of(run.key) + " changed on every attempt to write it" + refusal);
}

asio::awaitable<std::optional<Reconciler::Hold>> Reconciler::put_accounts_in_order(Run& run, const Decision& decision) {
  auto fight = co_await attachments_.put_in_order(run.key, *decision.plan,
                                                  account_handlers(run, decision, decision.plan->target.name));
  co_return fight ? std::optional(Hold{fight_over_accounts(run.key, fight->accounts), fight->wait}) : std::nullopt;
}

// The current Secret; nothing if there is none.
asio::awaitable<std::optional<nlohmann::json>> Reconciler::read(Key key) {
  const Entry* known = cache_.find(key);
  const auto version_before = known == nullptr ? 0 : known->observed.version;
  try {
    nlohmann::json secret = co_await client_.get(secret_path(key));
    const auto version = version_number(resource_version_of(secret));
    // A read is at least as new as anything that a watch reported before it, unless the server was set back.
    const bool setback = version != 0 && version < version_before;
    if (setback) {
      cache_.doubt(key);
    }
    cache_.observe(key, version, view_secret(secret, owner_.id));
    if (setback) {
      handlers_.on_setback();
    }
    co_return secret;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
    cache_.observe_missing(key);
  }
  co_return std::nullopt;
}

asio::awaitable<void> Reconciler::act(Run& run, Decision decision) {
  switch (decision.action) {
    case Action::nothing:
      break;
    case Action::create:
      co_await apply(run, decision, *decision.plan->payload, std::string(create_only), false);
      break;
    case Action::update:
    case Action::adopt:
      co_await check_taken(run.key, *decision.plan);
      if (const auto now = decide(run.key, *run.desired); now.action != decision.action || now.plan != decision.plan) {
        break;  // it has changed or gone since: the next decision uses the new state
      }
      if (decision.plan->carried_over.empty()) {
        const std::string version = cache_.find(run.key)->observed.resource_version();
        co_await apply(run, decision, *decision.plan->payload, version, true);
      } else {
        co_await write_merged(run, decision);
      }
      break;
    case Action::remove:
      co_await remove(run, decision);
      break;
    case Action::release:
      co_await release(run, decision);
      break;
    case Action::detach: {
      const std::string target;  // unknown: the Secret that named it is gone
      auto failure = co_await attachments_.detach_all(run.key, account_handlers(run, decision, target));
      if (failure) {
        throw std::move(*failure);
      }
      break;
    }
  }
}

// Another target of ours may still want its Secret through another context of this cluster.
asio::awaitable<void> Reconciler::check_taken(Key key, const Plan& plan) {
  const auto& observed = cache_.find(key)->observed.secret;
  if (observed->ownership != Ownership::ours || observed->target == plan.target.name) {
    co_return;
  }
  if (const auto secret = co_await read(key)) {
    co_await handlers_.check_elsewhere(key, uid_of(*secret), Taking::taken_over);
  }
}

asio::awaitable<void> Reconciler::apply(Run& run, Decision decision, const Payload& payload,
                                        std::string resource_version, bool force) {
  const Key& key = run.key;
  const Plan& plan = *decision.plan;
  if (resource_version.empty()) {
    // The event had none, and an apply without one would overwrite whatever is there.
    throw Error(ErrorCode::stale, subject_of(key) + " has no resourceVersion in the API server's answer");
  }
  std::string body = make_apply_body({.name_space = key.name_space,
                                      .name = key.secret,
                                      .target = plan.target.name,
                                      .owner = owner_.annotation,
                                      .payload_base64 = payload.base64(),
                                      .resource_version = resource_version});
  kube::ApplyOptions options;
  options.force = force;
  const auto kind = decision.action == Action::create  ? Change::Kind::created
                    : decision.action == Action::adopt ? Change::Kind::adopted
                                                       : Change::Kind::updated;
  const Change change = change_of(key, kind, decision.why, plan.target.name);
  std::string applied;
  try {
    applied = co_await client_.apply(secret_path(key), std::move(body), options);
  } catch (const Error& error) {
    if (may_be_done(error.code())) {
      unconfirmed_.insert_or_assign(key, Unconfirmed{change, payload.digest()});
    }
    throw;
  }
  unconfirmed_.erase(key);
  forget_deletions(key);
  adoptions_.erase(key);
  const auto [view, version] = read_secret(applied, owner_.id);
  cache_.observe(key, version, view);
  count_write(run, &plan);
  Progress& progress = cache_.progress(key);
  progress.written = plan.payload->id();
  progress.accepted = payload.digest();
  handlers_.on_change(change);
  if (auto changed = secret_changed_on_the_way(key, view, plan, payload)) {
    throw std::move(*changed);
  }
}

// Entries without a current login are kept from the existing Secret: losing a login locks nobody out.
asio::awaitable<void> Reconciler::write_merged(Run& run, Decision decision) {
  const Key& key = run.key;
  const Plan& plan = *decision.plan;
  const auto secret = co_await read(key);
  const auto now = decide(key, *run.desired);
  if (!secret || now.plan != decision.plan || now.action != decision.action) {
    co_return;  // given away since: the next decision will leave it alone
  }
  const auto json = base64_decode(text_at(*secret, {"data", ".dockerconfigjson"}));
  const Payload payload(plan.entries_over(json.value_or("")));
  const auto view = view_secret(*secret, owner_.id);
  if (view.ownership == Ownership::ours && view.target == plan.target.name && view.digest == payload.digest()) {
    Progress& progress = cache_.progress(key);
    progress.written = plan.payload->id();
    progress.accepted = payload.digest();
    co_return;
  }
  if (view.immutable && view.digest != payload.digest()) {
    throw is_immutable(key);
  }
  co_await apply(run, decision, payload, resource_version_of(*secret), true);
}

asio::awaitable<void> Reconciler::remove(Run& run, Decision decision) {
  const Key& key = run.key;
  const auto secret = co_await read(key);
  if (!secret || decide(key, *run.desired).action != Action::remove) {
    co_return;  // gone, or given away since: the next decision will leave it alone
  }
  const auto view = view_secret(*secret, owner_.id);
  co_await handlers_.check_elsewhere(key, uid_of(*secret), Taking::deleted);
  auto still_attached = co_await attachments_.detach_all(key, account_handlers(run, decision, view.target));
  if (!stands(run, decision)) {
    co_return;  // wanted again, or paused, in the meantime
  }
  if (view.terminating) {
    throw held_by_finalizers(key, view.finalizers);
  }
  const kube::Preconditions unchanged{uid_of(*secret), resource_version_of(*secret)};
  const Change change = change_of(key, Change::Kind::deleted, decision.why, view.target);
  try {
    const auto answer = co_await client_.remove(secret_path(key), unchanged);
    unconfirmed_.erase(key);
    deletions_.count({.key = key, .why = decision.why}, steady_clock::now());
    handlers_.on_change(change);
    if (const auto left = view_secret(answer, owner_.id); left.terminating) {
      cache_.observe(key, version_number(resource_version_of(answer)), left);
      throw held_by_finalizers(key, left.finalizers);
    }
  } catch (const Error& error) {
    if (may_be_done(error.code())) {
      unconfirmed_.insert_or_assign(key, Unconfirmed{change, std::nullopt});
    }
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
  }
  const Entry* entry = cache_.find(key);
  if (entry != nullptr && entry->observed.secret && entry->observed.resource_version() == unchanged.resource_version) {
    cache_.observe_missing(key);  // unless a watch has reported a new one since
  }
  count_write(run, nullptr);
  if (still_attached) {
    throw std::move(*still_attached);  // last: a dangling entry is harmless, a leftover password may not be
  }
}

// The Secret is wanted again on request. Labels of a namespace may come and go without a request, so they do not count.
void Reconciler::forget_deletions(const Key& key) {
  for (const Why why : {Why::target_removed, Why::not_covered, Why::logged_out}) {
    deletions_.forget({.key = key, .why = why});
  }
}

// The accounts that list it keep listing it, so that pods can still pull.
asio::awaitable<void> Reconciler::release(Run& run, Decision decision) {
  const Key& key = run.key;
  const Observed& observed = cache_.find(key)->observed;
  const auto target = observed.secret->target;
  std::string patch = make_release_patch(observed.resource_version(), observed.secret->ownership == Ownership::ours);
  const auto released = co_await client_.json_patch(secret_path(key), std::move(patch));
  cache_.observe(key, version_number(resource_version_of(released)), view_secret(released, owner_.id));
  count_write(run, nullptr);
  handlers_.on_change(change_of(key, Change::Kind::released, decision.why, target));
}

bool Reconciler::stands(const Run& run, const Decision& decision) const {
  const auto desired = handlers_.desired();
  if (desired == run.desired && decision.action == Action::nothing) {
    return true;
  }
  const Decision now = decide(run.key, *desired);
  const bool same_plan =
      now.plan == decision.plan || (now.plan != nullptr && decision.plan != nullptr && *now.plan == *decision.plan);
  return same_plan && now.action == decision.action && now.state == decision.state;
}

// Reports each ServiceAccount that was written.
Attachments::Handlers Reconciler::account_handlers(Run& run, const Decision& decision, std::string target) {
  const Why why = decision.action == Action::remove ? decision.why : Why::detach;
  return {.on_written =
              [this, &run, action = decision.action, why, target = std::move(target)](Change::Kind kind,
                                                                                      const std::string& account) {
                const bool attached = kind == Change::Kind::attached;
                if (action == Action::nothing) {
                  cache_.progress(run.key).last_change = stamp_now();
                }
                handlers_.on_change(change_of(run.key, kind, attached ? Why::attach : why, target, account));
              },
          .is_wanted = [this, &run, &decision] { return stands(run, decision); }};
}

// Returns what holds back a repair that was repeated too often recently.
std::optional<Reconciler::Hold> Reconciler::hold_back(const Key& key, const Decision& decision) const {
  const Entry* entry = cache_.find(key);
  const SecretView* secret = entry == nullptr ? nullptr : entry->observed.secret.get();
  if (decision.action == Action::remove) {
    const auto wait = deletions_.wait({.key = key, .why = decision.why}, steady_clock::now());
    if (!wait) {
      return std::nullopt;
    }
    return Hold{decision.why == Why::unlabelled ? fight_over_labels(key) : fight_over_deletion(key, secret, owner_),
                *wait};
  }
  if (decision.action == Action::detach) {
    Attachments::Tasks due{.attach = {}, .detach = attachments_.excess(key, nullptr)};
    const auto fight = attachments_.set_aside(key, due);
    return fight && due.empty() ? std::optional(Hold{fight_over_accounts(key, fight->accounts), fight->wait})
                                : std::nullopt;
  }
  if (decision.action == Action::nothing || entry == nullptr || decision.plan == nullptr) {
    return std::nullopt;
  }
  const auto wait = wait_before_repair(entry->progress, *decision.plan, steady_clock::now());
  return wait ? std::optional(Hold{fight_over_secret(key, secret, owner_), *wait}) : std::nullopt;
}

// The writes of the Secret in one run count as one repair.
void Reconciler::count_write(Run& run, const Plan* plan) {
  Progress& progress = cache_.progress(run.key);
  const auto now = steady_clock::now();
  if (!std::exchange(run.written, true)) {
    count_repair(progress, plan, now);
  }
  progress.wrote = now;
  progress.last_change = stamp_now();
}

Change Reconciler::change_of(const Key& key, Change::Kind kind, Why why, const std::string& target,
                             const std::string& account) {
  return {.kind = kind,
          .why = why,
          .target = target,
          .context = {},
          .name_space = key.name_space,
          .secret = key.secret,
          .service_account = account};
}

// Reports a write whose answer was lost, if it succeeded.
void Reconciler::confirm(const Key& key) {
  const auto sent = unconfirmed_.find(key);
  if (sent == unconfirmed_.end()) {
    return;
  }
  const Entry* entry = cache_.find(key);
  const SecretView* secret = entry == nullptr ? nullptr : entry->observed.secret.get();
  const auto& written = sent->second.written;
  if (written ? secret != nullptr && secret->ownership == Ownership::ours && secret->digest == *written
              : secret == nullptr) {
    handlers_.on_change(sent->second.change);
  }
  unconfirmed_.erase(sent);
}

Outcome Reconciler::record(const Key& key, const Decision& decision, Trust trust) {
  confirm(key);
  const Entry* entry = cache_.find(key);
  if (decision.plan == nullptr && (entry == nullptr || !entry->observed.secret)) {
    cache_.erase(key);  // nothing exists, nothing is wanted
    return {};
  }
  note(key, decision.state, decision.cause);
  cache_.progress(key).decided = true;
  // A decision from a watched cache can change only by an event, which will arrive.
  return {trust == Trust::on_demand ? Outcome::Kind::wait : Outcome::Kind::done};
}

void Reconciler::record_defect(const Key& key, Error defect) { note(key, SyncState::retrying, std::move(defect)); }

void Reconciler::note(const Key& key, SyncState state, std::optional<Error> cause) {
  Progress& progress = cache_.progress(key);
  const bool same_cause = cause && progress.cause ? *cause == *progress.cause : !cause && !progress.cause;
  if (progress.state != state || !same_cause || !progress.tried()) {
    progress.state = state;
    progress.since = stamp_now();
  }
  if (state == SyncState::terminating || (cause && cause->code() == ErrorCode::namespace_missing)) {
    progress.repairs = 0;  // a Secret missing in the next namespace of this name was not removed by anybody
  }
  progress.cause = cause ? std::make_unique<Error>(std::move(*cause)) : nullptr;
  progress.decided = false;
}

}  // namespace regsync
