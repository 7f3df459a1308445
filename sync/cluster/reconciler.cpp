#include "sync/cluster/reconciler.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"
#include "sync/model/resource_version.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

// Somebody who keeps changing an object back is not fought at full speed: the first few repairs come at once, then each
// waits twice as long as the one before it.
constexpr int free_repairs = 4;
constexpr auto longest_hold = 60s;
constexpr auto calm = 120s;  // after which a repair counts as the first again

// A write that lost a race is decided again on what is there now; losing more often is the queue's business.
constexpr int max_races = 4;

// A function of its own: g++ 12 cannot have the list of a path inside a co_await.
std::string uid_of(const nlohmann::json& secret) { return std::string(text_at(secret, {"metadata", "uid"})); }

kube::ObjectPath secret_path(const Key& key) {
  kube::ObjectPath path;
  path.resource = "secrets";
  path.name_space = key.name_space;
  path.name = key.secret;
  return path;
}

std::string subject_of(const Key& key) { return "Secret " + key.name_space + "/" + key.secret; }

// Whether only a person, or an event, can help.
bool needs_help(ErrorCode code) {
  switch (code) {
    case ErrorCode::forbidden:
    case ErrorCode::namespace_missing:
    case ErrorCode::namespace_terminating:
    case ErrorCode::field_conflict:
    case ErrorCode::immutable:
    case ErrorCode::rejected:
    case ErrorCode::not_owned:
    case ErrorCode::not_found:
      return true;
    default:
      return false;
  }
}

Stamp stamp_now() { return std::chrono::floor<Stamp::duration>(system_clock::now()); }

// Whether a write of this plan would put right what somebody else has changed since the last one.
bool is_repair(const Progress& progress, const Plan& plan) {
  const bool same = !plan.payload || progress.written == 0 || progress.written == plan.payload->id();
  return same && progress.wrote != steady_clock::time_point() && steady_clock::now() - progress.wrote < calm;
}

// When the next repair may begin.
steady_clock::time_point earliest_repair(const Progress& progress) {
  const auto doubled = std::chrono::seconds(1LL << std::min(progress.repairs - free_repairs, 6));
  return progress.wrote + std::min<std::chrono::seconds>(doubled, longest_hold);
}

Error fight_over_secret(const Key& key) {
  return {ErrorCode::field_conflict, subject_of(key) + " is changed again and again by somebody else",
          "find who: kubectl -n " + key.name_space + " get secret " + key.secret +
              " --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'"};
}

Error fight_over_accounts(const Key& key, const std::vector<std::string>& accounts) {
  const auto& account = accounts.front();
  return {ErrorCode::field_conflict,
          "ServiceAccount " + key.name_space + "/" + account +
              " is changed again and again by somebody else: its imagePullSecrets lose or regain " + key.secret,
          "find who: kubectl -n " + key.name_space + " get serviceaccount " + account +
              " --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'"};
}

const char* const find_mutating_policy =
    "find the policy: kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies; then exempt what regsync "
    "writes from it";

// What the cluster made of a write: nothing, if it is what was meant.
std::optional<Error> difference(const Key& key, const SecretView& answer, const Plan& plan, const Payload& payload) {
  std::string what;
  if (answer.digest != payload.digest()) {
    what = ".data";
  } else if (answer.ownership == Ownership::relabelled) {
    what = "the label " + std::string(managed_by_label) + " (now \"" + answer.holder + "\")";
  } else if (answer.ownership != Ownership::ours || answer.target != plan.target.name) {
    what = "its labels or annotations";
  } else {
    return std::nullopt;
  }
  return Error(ErrorCode::rejected,
               subject_of(key) + " was written, but the cluster changed " + what +
                   " on the way: a mutating admission policy does that",
               find_mutating_policy);
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

Error accounts_missing(const Key& key, const std::vector<std::string>& names) {
  const bool one = names.size() == 1;
  return {ErrorCode::not_found,
          std::string(one ? "ServiceAccount " : "ServiceAccounts ") + join(names) + (one ? " does" : " do") +
              " not exist in namespace " + key.name_space,
          "create it, and the Secret is attached: kubectl -n " + key.name_space + " create serviceaccount " +
              names.front() + "; or take it out of `serviceAccounts:` of the target"};
}

}  // namespace

// What one call of reconcile works on.
struct Reconciler::Run {
  Key key;
  std::shared_ptr<const DesiredState> desired;
  bool written = false;  // its first write was counted
};

Reconciler::Reconciler(kube::KubeClient& client, ClusterCache& cache, const Places& places, Owner owner,
                       Handlers handlers)
    : client_(client), cache_(cache), places_(places), owner_(std::move(owner)), handlers_(std::move(handlers)) {}

Facts Reconciler::facts(const Key& key) const {
  Facts facts;
  facts.name_space = cache_.find_namespace(key.name_space);
  facts.namespaces_complete = cache_.namespaces_complete();
  facts.remembered = places_.cover(key);
  facts.holder = owner_.holder();
  if (const Entry* entry = cache_.find(key)) {
    facts.secret = entry->observed.secret.get();
    facts.written = entry->progress.written;
    facts.accepted = entry->progress.accepted;
    facts.adopt = entry->progress.adopt;
  }
  return facts;
}

Decision Reconciler::decide(const Key& key, const DesiredState& desired) const {
  return desired.decide(key, facts(key));
}

asio::awaitable<Outcome> Reconciler::reconcile(Key key, std::shared_ptr<const DesiredState> desired,
                                               ClusterWatches::Trust trust) {
  std::optional<Error> failure;
  Run run{key, std::move(desired)};
  try {
    if (auto hold = co_await work_on(run, trust)) {
      note(key, SyncState::retrying, std::move(hold->fight));
      co_return Outcome{Outcome::Kind::wait, hold->wait};
    }
    co_return record(key, decide(key, *run.desired), trust);
  } catch (const Error& error) {
    failure = error;
  }
  if (failure->code() == ErrorCode::cancelled) {
    co_return Outcome{Outcome::Kind::retry};
  }
  if (failure->code() == ErrorCode::namespace_terminating) {  // nothing to be done, and no failure
    note(key, SyncState::terminating, std::nullopt);
    co_return Outcome{Outcome::Kind::wait};
  }
  const bool stuck = needs_help(failure->code());
  const auto after = failure->retry_after();
  note(key, stuck ? SyncState::stuck : SyncState::retrying, std::move(failure));
  co_return Outcome{stuck ? Outcome::Kind::wait : Outcome::Kind::retry, after};
}

// Ends when nothing is left to be done, or with what holds it back.
asio::awaitable<std::optional<Reconciler::Hold>> Reconciler::work_on(Run& run, ClusterWatches::Trust trust) {
  if (trust == ClusterWatches::Trust::on_demand) {
    co_await read(run.key);
  }
  bool may_stand_in_the_way = trust == ClusterWatches::Trust::labelled;
  for (int race = 0; race < max_races; ++race) {
    const Decision decision = decide(run.key, *run.desired);
    if (decision.action == Action::create && std::exchange(may_stand_in_the_way, false)) {
      co_await read(run.key);
      continue;
    }
    if (auto hold = hold_back(run.key, decision)) {
      co_return hold;
    }
    if (decision.action == Action::nothing) {
      if (decision.plan != nullptr && decision.state != SyncState::paused) {
        co_await put_accounts_in_order(run, *decision.plan);
      }
      co_return std::nullopt;
    }
    bool lost_race = false;
    try {
      co_await act(run, decision);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::stale) {
        throw;
      }
      lost_race = true;
    }
    if (lost_race) {
      co_await read(run.key);
    }
  }
  throw Error(ErrorCode::stale, subject_of(run.key) + " changes too fast to be written");
}

// The Secret as it is now; nothing where there is none.
asio::awaitable<std::optional<nlohmann::json>> Reconciler::read(Key key) {
  const Entry* known = cache_.find(key);
  const auto version_before = known == nullptr ? 0 : known->observed.version;
  try {
    nlohmann::json secret = co_await client_.get(secret_path(key));
    const auto version = version_number(resource_version_of(secret));
    // A read shows at least what any watch has told before it was asked for, unless the server was set back.
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
        break;  // it changed, or is gone, since: the next decision is about what is there now
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
  }
}

// A Secret of another target of ours may be wanted by it, through another context of this cluster.
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
    // An event told none, and an apply without one would overwrite whatever is there.
    throw Error(ErrorCode::stale, subject_of(key) + " was told without a resourceVersion");
  }
  std::string body = make_apply_body({.name_space = key.name_space,
                                      .name = key.secret,
                                      .target = plan.target.name,
                                      .owner = owner_.annotation,
                                      .payload_base64 = payload.base64(),
                                      .resource_version = resource_version});
  kube::ApplyOptions options;
  options.force = force;
  const auto applied = co_await client_.apply(secret_path(key), std::move(body), options);
  const auto [view, version] = read_secret(applied, owner_.id);
  cache_.observe(key, version, view);
  count_write(run, &plan);
  Progress& progress = cache_.progress(key);
  progress.written = plan.payload->id();
  progress.accepted = payload.digest();
  progress.adopt = false;
  const auto kind = decision.action == Action::create  ? Change::Kind::created
                    : decision.action == Action::adopt ? Change::Kind::adopted
                                                       : Change::Kind::updated;
  report(key, kind, decision.why, plan.target.name);
  if (auto changed = difference(key, view, plan, payload)) {
    throw std::move(*changed);
  }
}

// Entries whose login is not there now are taken over from the Secret as it is: losing a login locks nobody out.
asio::awaitable<void> Reconciler::write_merged(Run& run, Decision decision) {
  const Key& key = run.key;
  const Plan& plan = *decision.plan;
  const auto secret = co_await read(key);
  const auto now = decide(key, *run.desired);
  if (!secret || now.plan != decision.plan || now.action != decision.action) {
    co_return;  // given away since: the next decision will leave it alone
  }
  const auto json = base64_decode(text_at(*secret, {"data", ".dockerconfigjson"}));
  PullEntries entries;
  for (auto& [registry, entry] : parse_docker_config_json(json.value_or(""))) {
    if (plan.carried_over.contains(registry)) {
      entries[registry] = std::move(entry);
    }
  }
  for (const auto& [registry, credential] : plan.entries) {
    entries[registry] = {credential->login.username, credential->secret.clone(), plan.target.email};
  }
  const Payload payload(entries);
  const auto view = view_secret(*secret, owner_.id);
  if (view.ownership == Ownership::ours && view.target == plan.target.name && view.digest == payload.digest()) {
    Progress& progress = cache_.progress(key);
    progress.written = plan.payload->id();
    progress.accepted = payload.digest();
    co_return;
  }
  co_await apply(run, decision, payload, resource_version_of(*secret), true);
}

asio::awaitable<void> Reconciler::remove(Run& run, Decision decision) {
  const Key& key = run.key;
  const auto secret = co_await read(key);
  if (!secret || decide(key, *run.desired).action != Action::remove) {
    co_return;  // gone, or given away since: the next decision will leave it alone
  }
  const auto target = view_secret(*secret, owner_.id).target;
  co_await handlers_.check_elsewhere(key, uid_of(*secret), Taking::deleted);
  for (const auto& account : attached_accounts(key, nullptr)) {
    co_await detach(run, target, account);
  }
  if (handlers_.may_be_wanted(key)) {
    co_return;  // asked for again meanwhile, which runs this key once more
  }
  const kube::Preconditions unchanged{uid_of(*secret), resource_version_of(*secret)};
  try {
    co_await client_.remove(secret_path(key), unchanged);
    report(key, Change::Kind::deleted, decision.why, target);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
  }
  const Entry* entry = cache_.find(key);
  if (entry != nullptr && entry->observed.secret && entry->observed.resource_version() == unchanged.resource_version) {
    cache_.observe_missing(key);  // unless a watch has told of what somebody made since
  }
  count_write(run, nullptr);
}

// The accounts that name it go on naming it, so that pods go on pulling.
asio::awaitable<void> Reconciler::release(Run& run, Decision decision) {
  const Key& key = run.key;
  const Observed& observed = cache_.find(key)->observed;
  const auto target = observed.secret->target;
  std::string patch = make_release_patch(observed.resource_version(), observed.secret->ownership == Ownership::ours);
  const auto released = co_await client_.json_patch(secret_path(key), std::move(patch));
  cache_.observe(key, version_number(resource_version_of(released)), view_secret(released, owner_.id));
  count_write(run, nullptr);
  report(key, Change::Kind::released, decision.why, target);
}

std::vector<std::string> Reconciler::attached_accounts(const Key& key, const Plan* plan) const {
  std::vector<std::string> accounts;
  cache_.for_each_account(key.name_space, [&](const std::string& name, const ServiceAccountView& view) {
    const bool wanted = plan != nullptr && matches_any(plan->target.service_accounts, name);
    if (!wanted && view.attached.contains(key.secret)) {
      accounts.push_back(name);
    }
  });
  return accounts;
}

std::vector<std::string> Reconciler::missing_accounts(const Key& key, const Plan& plan) const {
  std::vector<std::string> accounts;
  const auto& wanted = plan.target.service_accounts;
  std::ranges::copy_if(wanted, std::back_inserter(accounts), [&](const std::string& name) {
    return !is_glob(name) && cache_.find_account(key.name_space, name) == nullptr;
  });
  cache_.for_each_account(key.name_space, [&](const std::string& name, const ServiceAccountView& view) {
    if (matches_any(wanted, name) && !view.pull_secrets.contains(key.secret)) {
      accounts.push_back(name);
    }
  });
  return accounts;
}

// Only of a Secret that is ours and there: an account of somebody else's Secret is not touched.
bool Reconciler::accounts_in_order(const Key& key, const Plan& plan) const {
  const Entry* entry = cache_.find(key);
  const bool ours = entry != nullptr && entry->observed.secret && entry->observed.secret->ownership == Ownership::ours;
  return !ours || (missing_accounts(key, plan).empty() && attached_accounts(key, &plan).empty());
}

// Each ServiceAccount by itself: what fails for one is told after the others were tried.
asio::awaitable<void> Reconciler::put_accounts_in_order(Run& run, const Plan& plan) {
  if (accounts_in_order(run.key, plan)) {
    co_return;
  }
  for (const auto& account : attached_accounts(run.key, &plan)) {
    co_await detach(run, plan.target.name, account);
  }
  std::optional<Error> failure;
  std::vector<std::string> missing;
  for (const auto& account : missing_accounts(run.key, plan)) {
    try {
      co_await attach(run, plan, account);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::not_found) {
        missing.push_back(account);
      } else if (!needs_help(error.code())) {
        throw;
      } else if (!failure) {
        failure = error;
      }
    }
  }
  if (failure) {
    throw std::move(*failure);
  }
  if (!missing.empty()) {
    throw accounts_missing(run.key, missing);
  }
}

asio::awaitable<void> Reconciler::attach(Run& run, const Plan& plan, std::string account) {
  const Key& key = run.key;
  const auto answer = co_await attach_pull_secret(client_, key.name_space, account, key.secret);
  cache_.observe_account(key.name_space, account, answer.view);
  if (!answer.written) {
    co_return;
  }
  count_write(run, &plan);
  report(key, Change::Kind::attached, Why::attach, plan.target.name, account);
  if (!answer.view.pull_secrets.contains(key.secret)) {
    throw Error(ErrorCode::rejected,
                "ServiceAccount " + key.name_space + "/" + account + " was written, but the cluster took " +
                    key.secret + " out of its imagePullSecrets again: a mutating admission policy does that",
                std::string(find_mutating_policy) + ", or take it out of `serviceAccounts:` of the target");
  }
}

asio::awaitable<void> Reconciler::detach(Run& run, std::string target, std::string account) {
  const Key& key = run.key;
  const auto answer = co_await detach_pull_secret(client_, key.name_space, account, key.secret);
  cache_.observe_account(key.name_space, account, answer ? std::optional(answer->view) : std::nullopt);
  if (answer && answer->written) {
    report(key, Change::Kind::detached, Why::detach, target, account);
  }
}

// Where something is to be repaired, and was too often of late.
std::optional<Reconciler::Hold> Reconciler::hold_back(const Key& key, const Decision& decision) const {
  const Entry* entry = cache_.find(key);
  if (entry == nullptr || decision.plan == nullptr || entry->progress.repairs < free_repairs ||
      !is_repair(entry->progress, *decision.plan)) {
    return std::nullopt;
  }
  const auto now = steady_clock::now();
  const auto earliest = earliest_repair(entry->progress);
  if (now >= earliest) {
    return std::nullopt;
  }
  const auto wait = std::chrono::ceil<milliseconds>(earliest - now);
  if (decision.action != Action::nothing) {
    return Hold{fight_over_secret(key), wait};
  }
  auto accounts = missing_accounts(key, *decision.plan);
  if (accounts.empty()) {
    accounts = attached_accounts(key, decision.plan);
  }
  if (accounts.empty() || accounts_in_order(key, *decision.plan)) {
    return std::nullopt;
  }
  return Hold{fight_over_accounts(key, accounts), wait};
}

// The writes of one run count as one repair, however many objects it concerns.
void Reconciler::count_write(Run& run, const Plan* plan) {
  Progress& progress = cache_.progress(run.key);
  if (!std::exchange(run.written, true)) {
    const bool repair = plan != nullptr && is_repair(progress, *plan);
    progress.repairs = repair ? static_cast<std::uint8_t>(std::min(progress.repairs + 1, 32)) : std::uint8_t{0};
  }
  progress.wrote = steady_clock::now();
  progress.last_change = stamp_now();
}

void Reconciler::report(const Key& key, Change::Kind kind, Why why, const std::string& target,
                        const std::string& account) const {
  handlers_.on_change({.kind = kind,
                       .why = why,
                       .target = target,
                       .context = {},
                       .name_space = key.name_space,
                       .secret = key.secret,
                       .service_account = account});
}

Outcome Reconciler::record(const Key& key, const Decision& decision, ClusterWatches::Trust trust) {
  const Entry* entry = cache_.find(key);
  if (decision.plan == nullptr && (entry == nullptr || !entry->observed.secret)) {
    cache_.erase(key);  // nothing there, nothing wanted
    return {};
  }
  note(key, decision.state, decision.cause);
  // What was decided from a followed cache can only change by an event, which comes.
  return {trust == ClusterWatches::Trust::on_demand ? Outcome::Kind::wait : Outcome::Kind::done};
}

void Reconciler::record_defect(const Key& key, Error defect) { note(key, SyncState::retrying, std::move(defect)); }

void Reconciler::note(const Key& key, SyncState state, std::optional<Error> cause) {
  Progress& progress = cache_.progress(key);
  const bool same_cause = cause && progress.cause ? *cause == *progress.cause : !cause && !progress.cause;
  if (progress.state != state || !same_cause || !progress.tried()) {
    progress.state = state;
    progress.since = stamp_now();
  }
  progress.cause = cause ? std::make_unique<Error>(std::move(*cause)) : nullptr;
}

}  // namespace regsync
