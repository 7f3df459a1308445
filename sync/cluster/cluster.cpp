#include "sync/cluster/cluster.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sync/base/log.hpp"

namespace regsync {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

// With these no request can succeed, so none is tried until a watch works again.
bool is_connection_trouble(const Error& error) {
  switch (error.code()) {
    case ErrorCode::unreachable:
    case ErrorCode::tls:
    case ErrorCode::timeout:
    case ErrorCode::unauthorized:
    case ErrorCode::credential_plugin:
    case ErrorCode::kubeconfig:
      return true;
    default:
      return false;
  }
}

}  // namespace

Cluster::Cluster(asio::any_io_executor executor, kube::ResolvedContext context, const ClusterOptions& options,
                 std::function<void()> on_change)
    : executor_(executor),
      metrics_(options.metrics),
      bulk_(options.bulk),
      on_change_(std::move(on_change)),
      client_(executor, std::move(context)),
      watches_(executor, client_, cache_, options.owner.id,
               {.on_key = [this](const Key& key) { consider(key); },
                .on_namespace = [this](const std::string& name_space) { consider_namespace(name_space); },
                .on_everything = [this] { consider_everything(); },
                .on_restart = [this] { on_restart(); },
                .on_health = [this] { on_health(); }}),
      reconciler_(client_, cache_, options.owner),
      queue_(
          executor, {.max_in_flight = options.concurrency}, [this](Key key) { return work(std::move(key)); },
          [this](const Key& key, std::optional<steady_clock::time_point> next_try) {
            if (Entry* entry = next_try ? cache_.find(key) : nullptr) {
              entry->next_try = system_clock::now() +
                                std::chrono::duration_cast<system_clock::duration>(*next_try - steady_clock::now());
            }
            put_writes_first();
            on_change_();
          }),
      since_(system_clock::now()),
      progress_(executor) {}

void Cluster::set_desired(std::shared_ptr<const DesiredState> desired, const Places& places) {
  desired_ = std::move(desired);
  places_ = places;
  watches_.follow(places_);
  consider_everything();
  on_change_();
}

void Cluster::consider(const Key& key) {
  const auto trust = watches_.trust(key);
  if (!desired_ || trust == ClusterWatches::Trust::not_yet) {
    return;
  }
  // What is being written now is not known yet: once it is, the key is looked at again.
  if (trust == ClusterWatches::Trust::followed && !queue_.works_on(key)) {
    const Decision decision = reconciler_.decide(key, *desired_);
    if (!is_due(key, decision)) {
      reconciler_.record(key, decision, trust);  // no I/O to be done: no work to be queued
      queue_.forget(key);
      on_change_();
      return;
    }
  }
  queue_.add(key);
}

bool Cluster::is_due(const Key& key, const Decision& decision) const {
  return decision.action != Action::nothing ||
         (decision.plan != nullptr && !reconciler_.accounts_in_order(key, *decision.plan));
}

void Cluster::consider_namespace(const std::string& name_space) {
  for (const auto& [secret, scope] : places_.secrets) {
    consider({name_space, secret});
  }
}

void Cluster::consider_everything() {
  if (!desired_) {
    return;
  }
  for (const auto& [secret, scope] : places_.secrets) {
    std::vector<std::string> names(scope.namespaces.begin(), scope.namespaces.end());
    if (scope.all) {
      cache_.for_each_namespace(
          [&names](const std::string& name_space, const NamespaceView&) { names.push_back(name_space); });
    }
    cache_.for_each(secret, [&names](const std::string& name_space, const Entry&) { names.push_back(name_space); });
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const auto& name_space : names) {
      consider({name_space, secret});
    }
  }
  put_writes_first();
  progress_.notify_all();
}

// To be told of each write costs a busy API server a sixth of its work; they are what people wait for.
void Cluster::put_writes_first() {
  if (queue_.quiet()) {
    in_bulk_ = false;
    if (const auto written = std::exchange(bulk_written_, 0); written > 0) {
      log::info(std::to_string(written) + " Secrets written", {.context = context().name});
    }
    watches_.release_secrets();
  } else if (queue_.depth() >= bulk_ && !std::exchange(in_bulk_, true)) {
    watches_.hold_secrets();
  }
}

void Cluster::count(const std::function<void(Metrics&)>& what) {
  if (metrics_ != nullptr) {
    what(*metrics_);
  }
}

void Cluster::on_restart() {
  count([this](Metrics& metrics) { metrics.watch_restarted(context().name); });
}

asio::awaitable<Outcome> Cluster::work(Key key) {
  const auto desired = desired_;  // stays as it is while this runs; a newer one adds the key again
  const auto trust = watches_.trust(key);
  if (trust == ClusterWatches::Trust::not_yet) {
    co_return Outcome{};  // the list that is on its way considers every key
  }
  const auto started = steady_clock::now();
  const Entry* before = std::as_const(cache_).find(key);
  const auto state_before = before == nullptr ? SyncState::pending : before->state;
  const auto change_before = before == nullptr ? WallTime() : before->last_change;
  const Outcome outcome = co_await reconciler_.reconcile(key, desired, trust);
  if (const Entry* after = std::as_const(cache_).find(key)) {
    count([&](Metrics& metrics) {
      if (after->last_change != change_before) {
        metrics.synced(context().name, steady_clock::now() - started);
      }
      if (outcome.kind != Outcome::Kind::done && after->cause) {
        metrics.failed(context().name, after->cause->code());
      }
      metrics.queue_depth(context().name, queue_.depth() - 1);  // without this one
    });
    const auto claim = claim_of(*desired, key);
    const std::string target = claim.plan != nullptr ? claim.plan->target.name : "";
    const log::About about{.target = target, .context = context().name, .name_space = key.name_space};
    if (after->state != state_before && after->cause && after->state != SyncState::in_sync) {
      log::warning(describe(*after->cause), about);
    } else if (after->state == SyncState::in_sync && after->last_change != change_before) {
      // A bulk is one line: thousands would cost the journal as much as the Secrets cost us.
      log::write(in_bulk_ ? log::Level::debug : log::Level::info, about, "Secret " + key.secret + " written");
      bulk_written_ += in_bulk_ ? 1 : 0;
    } else if (after->state == SyncState::in_sync) {
      log::debug("in sync", about);
    }
  }
  co_return outcome;
}

void Cluster::on_health() {
  const auto problem = watches_.problem();
  const bool changed =
      problem.has_value() != problem_.has_value() || (problem && problem->message() != problem_->message());
  if (changed) {
    since_ = system_clock::now();
    if (problem) {
      log::warning(describe(*problem), {.context = context().name});
    } else {
      log::info("connected", {.context = context().name});
    }
  }
  problem_ = problem;
  if (problem_ && is_connection_trouble(*problem_)) {
    queue_.pause();
  } else {
    queue_.resume();
  }
  put_writes_first();
  progress_.notify_all();
  on_change_();
}

void Cluster::kick() {
  watches_.retry();
  std::vector<Key> failed;
  for (const auto& secret : cache_.secret_names()) {
    cache_.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      if (entry.state == SyncState::retrying || entry.state == SyncState::stuck) {
        failed.push_back({name_space, secret});
      }
    });
  }
  for (const auto& key : failed) {
    queue_.forget(key);
    queue_.add(key);
  }
  consider_everything();
}

void Cluster::adopt(const std::string& target) {
  const auto plan = desired_ ? desired_->plans().find(target) : DesiredState::Plans::const_iterator();
  if (!desired_ || plan == desired_->plans().end()) {
    return;
  }
  const auto& secret = plan->second->target.secret;
  for (const auto& name_space : candidates(*plan->second)) {
    Entry* entry = cache_.find({name_space, secret});
    if (entry != nullptr && entry->secret && entry->secret->ownership != Ownership::ours) {
      entry->adopt = true;
      consider({name_space, secret});
    }
  }
}

asio::awaitable<void> Cluster::settled() {
  while (!watches_.settled()) {
    co_await progress_.wait();
  }
  co_await queue_.settled();
}

DesiredState::Claim Cluster::claim_of(const DesiredState& desired, const Key& key) const {
  return desired.claim(key, cache_.find_namespace(key.name_space), cache_.namespaces_complete);
}

// The namespaces that a plan claims or names, sorted.
std::vector<std::string> Cluster::candidates(const Plan& plan) const {
  const auto places = places_of(plan.target, desired_->default_namespace());
  const auto& scope = places.secrets.at(plan.target.secret);
  std::set<std::string> names;
  for (const auto& name_space : scope.namespaces) {
    if (selects(plan.target, name_space, cache_.find_namespace(name_space), desired_->default_namespace()) ==
        Selected::yes) {
      names.insert(name_space);
    }
  }
  if (scope.all) {
    cache_.for_each_namespace([&](const std::string& name_space, const NamespaceView& view) {
      if (selects(plan.target, name_space, &view, desired_->default_namespace()) == Selected::yes) {
        names.insert(name_space);
      }
    });
  }
  return {names.begin(), names.end()};
}

// What waits for the namespaces to be known.
void Cluster::hold_for_namespaces(StatusRow& row) const {
  const auto forbidden = watches_.namespaces_forbidden();
  row.state = forbidden ? SyncState::stuck : problem_ ? SyncState::retrying : SyncState::pending;
  row.cause = forbidden ? forbidden : problem_;
}

StatusRow Cluster::row_for(const Plan& plan, const std::string& name_space) const {
  StatusRow row;
  row.target = plan.target.name;
  row.context = context().name;
  row.name_space = name_space;
  row.secret = plan.target.secret;
  row.since = since_;
  const Key key{name_space, plan.target.secret};
  const auto claim = claim_of(*desired_, key);
  if (claim.plan != &plan && claim.plan != nullptr) {
    row.state = SyncState::stuck;
    row.cause = Error(ErrorCode::already_exists, "target " + claim.plan->target.name + " claims the same Secret",
                      "give one of them another name with `secret:`");
    return row;
  }
  if (claim.unknown) {
    hold_for_namespaces(row);
    return row;
  }
  const Entry* entry = cache_.find(key);
  // What was noted last is out of date where more is to be done and nothing can be.
  const bool held_up = problem_ && is_connection_trouble(*problem_) && is_due(key, reconciler_.decide(key, *desired_));
  if (entry == nullptr || held_up || (entry->since == WallTime() && problem_)) {
    row.state = problem_ ? SyncState::retrying : SyncState::pending;
    row.cause = problem_;
    return row;
  }
  row.state = entry->state;
  row.since = entry->since == WallTime() ? since_ : entry->since;
  if (entry->cause) {
    row.cause = *entry->cause;
  }
  if (entry->last_change != WallTime()) {
    row.last_change = entry->last_change;
  }
  if (entry->next_try != WallTime()) {
    row.next_try = entry->next_try;
  }
  return row;
}

void Cluster::add_rows(const std::string& target, std::vector<StatusRow>& rows) const {
  if (!desired_) {
    return;
  }
  const auto plan = desired_->plans().find(target);
  if (plan != desired_->plans().end()) {
    for (const auto& name_space : candidates(*plan->second)) {
      rows.push_back(row_for(*plan->second, name_space));
    }
    const bool by_namespace =
        places_of(plan->second->target, desired_->default_namespace()).secrets.at(plan->second->target.secret).all;
    if (by_namespace && !cache_.namespaces_complete) {
      StatusRow row;
      row.target = target;
      row.context = context().name;
      row.secret = plan->second->target.secret;
      row.since = since_;
      hold_for_namespaces(row);
      rows.push_back(std::move(row));
    }
  }
  for (const auto& secret : cache_.secret_names()) {
    cache_.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      if (!entry.secret || entry.secret->ownership != Ownership::ours || entry.secret->target != target) {
        return;
      }
      const Key key{name_space, secret};
      const auto action = reconciler_.decide(key, *desired_).action;
      const auto claim = claim_of(*desired_, key);
      const bool may_stay = plan != desired_->plans().end() && plan->second->target.secret == secret &&
                            selects(plan->second->target, name_space, cache_.find_namespace(name_space),
                                    desired_->default_namespace()) != Selected::no;
      // Another target claims the place, or may: ours is not gone before that one has written its own.
      const bool passed_on = desired_->knows(target) && !may_stay && (claim.plan != nullptr || claim.unknown);
      if (action == Action::remove || action == Action::release || passed_on) {
        StatusRow row;
        row.target = target;
        row.context = context().name;
        row.name_space = name_space;
        row.secret = secret;
        row.state = SyncState::removing;
        row.cause = entry.cause ? std::optional(*entry.cause) : problem_;
        row.since = entry.since == WallTime() ? since_ : entry.since;
        rows.push_back(std::move(row));
      }
    });
  }
}

void Cluster::add_unread_rows(const std::string& target, const Places& places, std::vector<StatusRow>& rows) const {
  for (const auto& [secret, scope] : places.secrets) {
    bool others = false;
    cache_.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      const bool plain = scope.namespaces.contains(name_space);
      if (entry.secret || !entry.cause || (!plain && (others || !scope.all))) {
        return;
      }
      StatusRow row;
      row.target = target;
      row.context = context().name;
      row.name_space = plain ? name_space : "";
      row.secret = secret;
      row.state = SyncState::removing;
      row.cause = *entry.cause;
      row.since = entry.since;
      rows.push_back(std::move(row));
      others = others || !plain;
    });
  }
}

// Whether a Secret that another target has taken over is attached, or may be, to accounts of the one before.
bool Cluster::may_be_attached(const Places& places) const {
  bool found = false;
  for (const auto& [secret, scope] : places.secrets) {
    cache_.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      if (!found && entry.secret && entry.secret->ownership == Ownership::ours) {
        const Key key{name_space, secret};
        const auto claim = claim_of(*desired_, key);
        found = !watches_.knows_all_accounts() ||
                (claim.plan != nullptr && !reconciler_.attached_accounts(key, claim.plan).empty());
      }
    });
  }
  return found;
}

bool Cluster::is_clean_of(const std::string& target, const Places& places) const {
  if (!desired_ || !queue_.idle() ||
      !std::all_of(places.secrets.begin(), places.secrets.end(),
                   [this](const auto& item) { return watches_.covers(item.first); })) {
    return false;
  }
  if (may_be_attached(places)) {
    return false;
  }
  for (const auto& [secret, scope] : places.secrets) {
    for (const auto& name_space : scope.namespaces) {
      const Entry* entry = cache_.find({name_space, secret});
      if (entry != nullptr && entry->cause &&
          watches_.trust({name_space, secret}) == ClusterWatches::Trust::on_demand) {
        return false;  // read one by one, and this one could not be read
      }
    }
  }
  std::vector<StatusRow> rows;
  add_rows(target, rows);
  return std::none_of(rows.begin(), rows.end(), [](const StatusRow& row) { return row.state == SyncState::removing; });
}

ContextStatus Cluster::status() const {
  ContextStatus status;
  status.name = context().name;
  status.server = context().server;
  status.connected = watches_.settled() && !problem_;
  status.problem = problem_;
  return status;
}

asio::awaitable<void> Cluster::stop() {
  co_await watches_.stop();
  co_await queue_.stop();
  progress_.notify_all();  // who waits for what will not come
}

}  // namespace regsync
