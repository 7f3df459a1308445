#include "sync/cluster/reconciler.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/base64.hpp"
#include "sync/model/resource_version.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

// Somebody who keeps changing a Secret back is not fought at full speed: the first few repairs come at once, then
// each waits twice as long as the one before it.
constexpr int free_repairs = 4;
constexpr auto longest_hold = 60s;
constexpr auto calm = 120s;  // after which a repair counts as the first again

// A write that lost a race is decided again on what is there now; losing more often is the queue's business.
constexpr int max_races = 4;

kube::ObjectPath secret_path(const Key& key) {
  kube::ObjectPath path;
  path.resource = "secrets";
  path.name_space = key.name_space;
  path.name = key.secret;
  return path;
}

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

}  // namespace

Reconciler::Reconciler(kube::KubeClient& client, ClusterCache& cache, Owner owner)
    : client_(client), cache_(cache), owner_(std::move(owner)) {}

Decision Reconciler::decide(const Key& key, const DesiredState& desired) const {
  Facts facts;
  facts.name_space = cache_.find_namespace(key.name_space);
  facts.namespaces_complete = cache_.namespaces_complete;
  if (const Entry* entry = std::as_const(cache_).find(key)) {
    facts.secret = entry->secret.get();
    facts.written = entry->written;
    facts.accepted = entry->accepted;
    facts.adopt = entry->adopt;
  }
  return desired.decide(key, facts);
}

asio::awaitable<Outcome> Reconciler::reconcile(Key key, std::shared_ptr<const DesiredState> desired,
                                               ClusterWatches::Trust trust) {
  std::optional<Error> failure;
  try {
    if (trust == ClusterWatches::Trust::on_demand) {
      co_await read(key);
    }
    for (int race = 0; race < max_races; ++race) {
      const Decision decision = decide(key, *desired);
      if (decision.action == Action::nothing) {
        if (decision.plan != nullptr) {
          co_await put_accounts_in_order(key, *decision.plan);
        }
        co_return record(key, decision, trust);
      }
      if (const auto held = hold_back(key, decision)) {
        co_return *held;
      }
      bool lost_race = false;
      try {
        co_await act(key, decision);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::stale) {
          throw;
        }
        lost_race = true;
      }
      if (lost_race) {
        co_await read(key);
      }
    }
    failure =
        Error(ErrorCode::stale, "Secret " + key.name_space + "/" + key.secret + " changes too fast to be written");
  } catch (const Error& error) {
    failure = error;
  }
  if (failure->code() == ErrorCode::cancelled) {
    co_return Outcome{Outcome::Kind::retry, std::nullopt};
  }
  const bool stuck = needs_help(failure->code());
  const auto after = failure->retry_after();
  note(key, stuck ? SyncState::stuck : SyncState::retrying, std::move(failure));
  co_return Outcome{stuck ? Outcome::Kind::stuck : Outcome::Kind::retry, after};
}

asio::awaitable<void> Reconciler::read(Key key) {
  try {
    see(key, co_await client_.get(secret_path(key)));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
    cache_.entry(key).secret.reset();
  }
}

asio::awaitable<void> Reconciler::act(Key key, Decision decision) {
  switch (decision.action) {
    case Action::nothing:
      break;
    case Action::create:
      co_await apply(key, *decision.plan, *decision.plan->payload, std::string(create_only), false);
      break;
    case Action::update:
    case Action::adopt:
      if (decision.plan->carried_over.empty()) {
        const std::string version = cache_.entry(key).resource_version();
        co_await apply(key, *decision.plan, *decision.plan->payload, version, true);
      } else {
        co_await write_merged(key, *decision.plan);
      }
      break;
    case Action::remove:
      co_await remove(key);
      break;
    case Action::release:
      co_await release(key);
      break;
  }
}

asio::awaitable<void> Reconciler::apply(Key key, const Plan& plan, const Payload& payload, std::string resource_version,
                                        bool force) {
  std::string body = make_apply_body({.name = key.secret,
                                      .target = plan.target.name,
                                      .owner = owner_.annotation,
                                      .payload_base64 = payload.base64(),
                                      .resource_version = resource_version});
  kube::ApplyOptions options;
  options.force = force;
  const auto applied = co_await client_.apply(secret_path(key), std::move(body), options);
  auto [view, version] = read_secret(applied, owner_.id);
  see(key, version, std::move(view));
  Entry& entry = cache_.entry(key);
  const bool repair = entry.written == plan.payload->id() && system_clock::now() - entry.last_change < calm;
  entry.repairs = repair ? static_cast<std::uint8_t>(std::min(entry.repairs + 1, 32)) : std::uint8_t{0};
  entry.written = plan.payload->id();
  entry.accepted = payload.digest();
  entry.last_change = system_clock::now();
  entry.adopt = false;
}

// Entries whose login is not there now are taken over from the Secret as it is: losing a login locks nobody out.
asio::awaitable<void> Reconciler::write_merged(Key key, const Plan& plan) {
  const auto secret = co_await client_.get(secret_path(key));
  const auto view = view_secret(secret, owner_.id);
  if (view.ownership != Ownership::ours && !cache_.entry(key).adopt) {
    see(key, secret);
    co_return;  // given away since we looked: the next decision will leave it alone
  }
  PullEntries entries;
  if (const auto data = secret.find("data"); data != secret.end()) {
    const auto json = base64_decode(data->value(".dockerconfigjson", ""));
    for (auto& [registry, entry] : parse_docker_config_json(json.value_or(""))) {
      if (plan.carried_over.contains(registry)) {
        entries[registry] = std::move(entry);
      }
    }
  }
  for (const auto& [registry, credential] : plan.entries) {
    entries[registry] = {credential->login.username, credential->secret.clone(), plan.target.email};
  }
  const Payload payload(entries);
  if (view.ownership == Ownership::ours && view.target == plan.target.name && view.digest == payload.digest()) {
    see(key, secret);
    Entry& entry = cache_.entry(key);
    entry.written = plan.payload->id();
    entry.accepted = payload.digest();
    co_return;
  }
  co_await apply(key, plan, payload, resource_version_of(secret), true);
}

asio::awaitable<void> Reconciler::remove(Key key) {
  nlohmann::json secret;
  try {
    secret = co_await client_.get(secret_path(key));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
    cache_.entry(key).secret.reset();
    co_return;
  }
  see(key, secret);
  if (view_secret(secret, owner_.id).ownership != Ownership::ours) {
    co_return;  // given away since we looked: the next decision will leave it alone
  }
  for (const auto& account : attached_accounts(key, nullptr)) {
    const auto detached = co_await detach_pull_secret(client_, key.name_space, account, key.secret);
    see_account(key.name_space, account, detached);
  }
  const auto& metadata = secret.at("metadata");
  const kube::Preconditions unchanged{metadata.value("uid", ""), resource_version_of(secret)};
  try {
    co_await client_.remove(secret_path(key), unchanged);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
  }
  Entry& entry = cache_.entry(key);
  if (entry.secret && entry.resource_version() == unchanged.resource_version) {
    entry.secret.reset();  // unless a watch has told of what somebody made since
  }
  entry.last_change = system_clock::now();
}

// The accounts that name it go on naming it, so that pods go on pulling.
asio::awaitable<void> Reconciler::release(Key key) {
  std::string patch = make_release_patch(cache_.entry(key).resource_version());
  const auto released = co_await client_.json_patch(secret_path(key), std::move(patch));
  see(key, released);
  cache_.entry(key).last_change = system_clock::now();
}

std::vector<std::string> Reconciler::attached_accounts(const Key& key, const Plan* plan) const {
  std::vector<std::string> accounts;
  for (auto known = cache_.service_accounts.lower_bound({key.name_space, ""});
       known != cache_.service_accounts.end() && known->first.first == key.name_space; ++known) {
    const auto& name = known->first.second;
    const bool wanted = plan != nullptr &&
                        std::find(plan->target.service_accounts.begin(), plan->target.service_accounts.end(), name) !=
                            plan->target.service_accounts.end();
    if (!wanted && known->second.view.attached.contains(key.secret)) {
      accounts.push_back(name);
    }
  }
  return accounts;
}

std::vector<std::string> Reconciler::missing_accounts(const Key& key, const Plan& plan) const {
  std::vector<std::string> accounts;
  for (const auto& name : plan.target.service_accounts) {
    const auto known = cache_.service_accounts.find({key.name_space, name});
    if (known == cache_.service_accounts.end() || !known->second.view.pull_secrets.contains(key.secret)) {
      accounts.push_back(name);
    }
  }
  return accounts;
}

// Only of a Secret that is ours and there: an account of somebody else's Secret is not touched.
bool Reconciler::accounts_in_order(const Key& key, const Plan& plan) const {
  const Entry* entry = std::as_const(cache_).find(key);
  const bool ours = entry != nullptr && entry->secret && entry->secret->ownership == Ownership::ours;
  return !ours || (missing_accounts(key, plan).empty() && attached_accounts(key, &plan).empty());
}

asio::awaitable<void> Reconciler::put_accounts_in_order(Key key, const Plan& plan) {
  if (accounts_in_order(key, plan)) {
    co_return;
  }
  for (const auto& account : attached_accounts(key, &plan)) {
    const auto view = co_await detach_pull_secret(client_, key.name_space, account, key.secret);
    see_account(key.name_space, account, view);
  }
  for (const auto& account : missing_accounts(key, plan)) {
    const auto view = co_await attach_pull_secret(client_, key.name_space, account, key.secret);
    see_account(key.name_space, account, view);
  }
}

std::optional<Outcome> Reconciler::hold_back(const Key& key, const Decision& decision) {
  const Entry* entry = cache_.find(key);
  if (entry == nullptr || decision.plan == nullptr || !decision.plan->payload ||
      entry->written != decision.plan->payload->id() || entry->repairs < free_repairs) {
    return std::nullopt;
  }
  const auto doubled = std::chrono::seconds(1LL << std::min(entry->repairs - free_repairs, 6));
  const auto earliest = entry->last_change + std::min<std::chrono::seconds>(doubled, longest_hold);
  const auto now = system_clock::now();
  if (now >= earliest) {
    return std::nullopt;
  }
  note(key, SyncState::retrying,
       Error(ErrorCode::field_conflict,
             "Secret " + key.name_space + "/" + key.secret + " is changed again and again by somebody else",
             "find who: kubectl -n " + key.name_space + " get secret " + key.secret +
                 " --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'"));
  return Outcome{Outcome::Kind::retry, std::chrono::duration_cast<std::chrono::milliseconds>(earliest - now)};
}

// What an answer says of a Secret, unless a watch has told of something later meanwhile.
void Reconciler::see(const Key& key, const nlohmann::json& secret) {
  see(key, version_number(resource_version_of(secret)), view_secret(secret, owner_.id));
}

void Reconciler::see(const Key& key, std::uint64_t version, SecretView view) {
  Entry& entry = cache_.entry(key);
  if (version < entry.version || (version == entry.version && version != 0)) {
    return;
  }
  entry.secret = cache_.share(std::move(view));
  entry.version = version;
  entry.generation = cache_.generation;
}

void Reconciler::see_account(const std::string& name_space, const std::string& account, ServiceAccountView view) {
  auto& known = cache_.service_accounts[{name_space, account}];
  if (view.version >= known.view.version) {  // else a watch has told of something later
    known = {std::move(view), cache_.generation};
  }
}

Outcome Reconciler::record(const Key& key, const Decision& decision, ClusterWatches::Trust trust) {
  const Entry* entry = std::as_const(cache_).find(key);
  if (decision.plan == nullptr && (entry == nullptr || !entry->secret)) {
    cache_.erase(key);  // nothing there, nothing wanted
    return {};
  }
  note(key, decision.state, decision.cause);
  // What was decided from a followed cache can only change by an event.
  return {trust == ClusterWatches::Trust::on_demand ? Outcome::Kind::stuck : Outcome::Kind::done, std::nullopt};
}

void Reconciler::note(const Key& key, SyncState state, std::optional<Error> cause) {
  Entry& entry = cache_.entry(key);
  const bool same_cause = cause && entry.cause ? cause->message() == entry.cause->message() : !cause && !entry.cause;
  if (entry.state != state || !same_cause || entry.since == WallTime()) {
    entry.state = state;
    entry.since = system_clock::now();
  }
  entry.cause = cause ? std::make_unique<Error>(std::move(*cause)) : nullptr;
  entry.next_try = WallTime();
}

}  // namespace regsync
