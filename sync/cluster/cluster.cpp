#include "sync/cluster/cluster.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/cluster/write_trouble.hpp"
#include "sync/model/names.hpp"
#include "sync/model/remedy.hpp"

namespace regsync {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

}  // namespace

Cluster::Cluster(asio::any_io_executor executor, kube::ResolvedContext context, const ClusterOptions& options,
                 OnChange on_change)
    : Cluster(executor, context.clone(),
              options.connect ? options.connect(context)
                              : std::make_unique<kube::HttpClient>(executor, kube::endpoint_of(context)),
              options, std::move(on_change)) {}

Cluster::Cluster(asio::any_io_executor executor, kube::ResolvedContext context,
                 std::unique_ptr<kube::HttpTransport> transport, const ClusterOptions& options, OnChange on_change)
    : executor_(executor),
      holder_(options.owner.holder()),
      metrics_(options.metrics),
      bulk_(options.bulk),
      on_change_(std::move(on_change)),
      on_written_(options.on_written),
      client_(std::move(context), std::move(transport)),
      watches_(executor, client_, cache_, options.owner.id,
               {.few = options.few_watches, .label_grace = options.label_grace},
               {.on_key = [this](const Key& key) { consider(key); },
                .on_namespace = [this](const std::string& name_space) { consider_namespace(name_space); },
                .on_secret = [this](const std::string& secret) { consider_secret(secret); },
                .on_everything = [this] { consider_everything(); },
                .on_restart = [this] { on_restart(); },
                .on_health = [this] { on_health(); },
                .on_cut = [this] { on_cut(); }}),
      reconciler_(client_, cache_, watches_.table(), options.owner,
                  {.on_change = [this](const Change& change) { on_written(change); },
                   .check_elsewhere = [this, check = options.check_elsewhere](Key key, std::string uid,
                                                                              Taking taking) -> asio::awaitable<void> {
                     if (check) {
                       co_await check(this->context().name, std::move(key), std::move(uid), taking);
                     }
                   },
                   .desired = [this] { return desired_; },
                   .on_setback = [this] { watches_.relist(); }}),
      healer_(executor, client_,
              {.on_evicted = [this](const Change& change) { on_written(change); },
               .is_wanted = [this](const Key& key, const std::string& target,
                                   const std::string& account) { return may_heal(key, target, account); }}),
      queue_(
          executor, {.max_in_flight = options.concurrency, .share = options.share},
          [this](Key key) { return work(std::move(key)); },
          [this](const Key& key, const Outcome& outcome) { on_worked(key, outcome); }),
      standings_({.context = this->context().name,
                  .cache = cache_,
                  .watches = watches_.table(),
                  .reconciler = reconciler_,
                  .queue = queue_,
                  .health = health_,
                  .desired = desired_}),
      sweep_(executor, {.namespaces_of = [this](const std::string& secret) { return namespaces_of(secret); },
                        .visit = [this](const Key& key) { consider(key); },
                        .on_end =
                            [this] {
                              put_writes_first();
                              progress_.notify_all();
                            }}),
      progress_(executor) {
  if (options.may_write) {
    client_.guard_writes(
        [server = client_.context().server, may_write = options.may_write] { return may_write(server); });
  }
}

void Cluster::set_desired(std::shared_ptr<const DesiredState> desired, std::shared_ptr<const Places> places) {
  const auto before = std::exchange(desired_, std::move(desired));
  const bool same_places = places == watches_.table().places || *places == *watches_.table().places;
  if (!same_places) {
    watches_.follow(std::move(places));
  }
  const auto names = before && same_places ? desired_->secrets_that_differ_from(*before) : std::nullopt;
  if (names) {
    consider_secrets(*names);
  } else {
    on_change_({});
    consider_everything();
  }
}

// The work is proportional to the change: one rotated login among a hundred targets concerns one Secret name.
void Cluster::set_logins(std::shared_ptr<const DesiredState> desired, const std::set<std::string>& secrets) {
  desired_ = std::move(desired);
  consider_secrets(secrets);
}

void Cluster::consider_secrets(const std::set<std::string>& secrets) {
  for (const auto& secret : secrets) {
    sweep_.add(secret);
    on_change_(rows_about(secret));
  }
  sweep_.run();
}

ChangedRows Cluster::rows_about(const std::string& secret) const {
  return {.secret = secret, .targets = desired_ ? desired_->targets_of(secret) : std::vector<std::string>()};
}

void Cluster::tell_change(const Key& key) {
  ChangedRows rows = rows_about(key.secret);
  const Entry* entry = cache_.find(key);
  if (entry != nullptr && entry->observed.secret && !entry->observed.secret->target.empty()) {
    rows.targets.push_back(entry->observed.secret->target);
  }
  on_change_(rows);
}

void Cluster::consider(const Key& key) {
  const auto trust = desired_ ? reconciler_.trust(key, *desired_) : Trust::not_yet;
  if (trust == Trust::not_yet) {
    return;
  }
  // A write in progress is not visible yet: the key is considered again once it is.
  tell_change(key);
  if (trust != Trust::on_demand && !queue_.works_on(key)) {
    const Decision decision = reconciler_.decide(key, *desired_);
    if (!reconciler_.has_work(key, decision)) {
      reconciler_.record(key, decision, trust);  // no I/O needed, so nothing to queue
      queue_.forget(key);
      note_successor(key, decision);
      consider_predecessors(key);
      return;
    }
  }
  queue_.add(key);
}

void Cluster::note_successor(const Key& key, const Decision& decision) {
  if (!decision.awaits_successor()) {
    return;
  }
  if (const auto successor = desired_->successor_of(key, reconciler_.facts(key))) {
    predecessors_[*successor].insert(key);
  }
}

void Cluster::consider_predecessors(const Key& key) {
  if (const auto waiting = predecessors_.extract(key)) {
    for (const Key& predecessor : waiting.mapped()) {
      consider(predecessor);
    }
  }
}

void Cluster::consider_namespace(const std::string& name_space) {
  for (const auto& [secret, scope] : watches_.table().places->secrets) {
    const Key key{name_space, secret};
    if (scope.covers(name_space) || cache_.find(key) != nullptr) {
      consider(key);
    }
  }
}

std::vector<std::string> Cluster::namespaces_of(const std::string& secret) const {
  const auto scope = watches_.table().places->secrets.find(secret);
  if (!desired_ || scope == watches_.table().places->secrets.end()) {
    return {};
  }
  std::vector<std::string> names(scope->second.namespaces.begin(), scope->second.namespaces.end());
  if (scope->second.any) {
    cache_.for_each_namespace(
        [&names](const std::string& name_space, const NamespaceView&) { names.push_back(name_space); });
  }
  cache_.for_each(secret, [&names](const std::string& name_space, const Entry&) { names.push_back(name_space); });
  if (scope->second.any && !cache_.namespaces_complete()) {
    cache_.for_each_attached(secret, [&names](const std::string& name_space) { names.push_back(name_space); });
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void Cluster::consider_secret(const std::string& secret) {
  sweep_.add(secret);
  sweep_.run();
}

void Cluster::consider_everything() {
  for (const auto& [secret, scope] : watches_.table().places->secrets) {
    sweep_.add(secret);
  }
  sweep_.run();
}

// An event for each write costs a busy API server a sixth of its work, and the writes are what users wait for.
void Cluster::put_writes_first() {
  if (queue_.quiet()) {
    in_bulk_ = false;
    if (const auto written = std::exchange(bulk_written_, 0); written > 0) {
      log::info(std::to_string(written) + " writes", {.context = context().name});
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
  const auto desired = desired_;  // fixed while this runs; a newer one adds the key again
  const auto trust = reconciler_.trust(key, *desired);
  if (trust == Trust::not_yet) {
    co_return Outcome{};  // the list in progress will consider every key
  }
  const auto started = steady_clock::now();
  const Entry* before = cache_.find(key);
  const auto state_before = before == nullptr ? SyncState::pending : before->progress.state;
  const auto wrote_before = before == nullptr ? steady_clock::time_point() : before->progress.wrote;
  const Outcome outcome = co_await reconciler_.reconcile(key, trust);
  watches_.check(key);
  const Entry* entry = cache_.find(key);
  if (entry == nullptr) {
    co_return outcome;
  }
  const Progress& after = entry->progress;
  const bool failed = outcome.kind != Outcome::Kind::done && outcome.kind != Outcome::Kind::busy;
  count([&](Metrics& metrics) {
    if (after.wrote != wrote_before) {
      metrics.synced(context().name, steady_clock::now() - started);
    }
    if (failed && after.cause) {
      metrics.failed(context().name, after.cause->code());
    }
  });
  if (failed && after.state != state_before && after.cause && after.state != SyncState::in_sync) {
    const auto claim = standings_.claim_of(key);
    const std::string target = claim.plan != nullptr ? claim.plan->target.name : "";
    log::warning(describe(for_context(*after.cause, target, context().name, context().in_kubeconfig)),
                 {.target = target, .context = context().name, .name_space = key.name_space});
  }
  co_return outcome;
}

void Cluster::on_written(Change change) {
  change.context = context().name;
  const bool takes_away = change.kind == Change::Kind::deleted || change.kind == Change::Kind::released;
  // A bulk is logged as one line: thousands would cost the journal as much as the Secrets cost us. Removals of Secrets
  // are logged one by one.
  const bool in_bulk = in_bulk_ && !takes_away;
  bulk_written_ += in_bulk ? 1 : 0;
  log::write(in_bulk ? log::Level::debug : log::Level::info,
             {.target = change.target, .context = change.context, .name_space = change.name_space}, describe(change));
  if (on_written_) {
    on_written_(change);
  }
  heal_after(change);
}

// Pods may be waiting for what was written.
void Cluster::heal_after(const Change& change) {
  const bool repairs = change.kind == Change::Kind::created || change.kind == Change::Kind::updated ||
                       change.kind == Change::Kind::adopted || change.kind == Change::Kind::attached;
  const auto plan = desired_->plans().find(change.target);
  if (repairs && plan != desired_->plans().end() && plan->second->target.heal) {
    healer_.repaired({change.name_space, change.secret}, change.target, change.service_account, plan->second->payload);
  }
}

// The user may have paused, narrowed or removed the target since, and a pinned context may lead elsewhere.
bool Cluster::may_heal(const Key& key, const std::string& target, const std::string& service_account) const {
  const Decision decision = reconciler_.decide(key, *desired_);
  if (!decision.keeps_accounts() || decision.plan->remove) {
    return false;
  }
  const Target& now = decision.plan->target;
  return now.name == target && now.heal &&
         (service_account.empty() || matches_any(now.service_accounts, service_account));
}

void Cluster::on_worked(const Key& key, const Outcome& outcome) {
  count([this](Metrics& metrics) { metrics.queue_depth(context().name, queue_.depth()); });
  if (outcome.defect) {
    log::error("the work on " + key.name_space + "/" + key.secret + " failed: " + describe(*outcome.defect),
               {.context = context().name, .name_space = key.name_space});
    reconciler_.record_defect(key, *outcome.defect);
  }
  put_writes_first();
  tell_change(key);
  note_successor(key, reconciler_.decide(key, *desired_));
  consider_predecessors(key);
}

void Cluster::on_health() {
  const auto problem = watches_.table().problem();
  const bool changed = problem != health_.problem;
  if (changed) {
    health_.since = system_clock::now();
    if (problem) {
      log::warning(describe(*problem), {.context = context().name});
    } else {
      log::info("connected", {.context = context().name});
    }
  }
  health_.problem = problem;
  if (health_.is_cut_off()) {
    queue_.pause();
  } else {
    queue_.resume();
  }
  put_writes_first();
  progress_.notify_all();
  on_change_({});
}

void Cluster::on_cut() {
  ++cuts_;
  on_change_({});
}

void Cluster::use_credentials_of(kube::ResolvedContext context) {
  client_.use_credentials_of(std::move(context));
  if (watches_.table().problem()) {
    kick();
  } else {
    watches_.ask_forbidden_again();
    retry_failed();
    on_change_({});  // the new credentials may allow more
  }
}

void Cluster::kick() {
  client_.end_pause();
  watches_.relist();
  retry_failed();
}

void Cluster::retry_failed() {
  std::vector<Key> failed;
  for (const auto& secret : cache_.secret_names()) {
    cache_.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      if (entry.progress.state == SyncState::retrying || entry.progress.state == SyncState::stuck) {
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

void Cluster::adopt(const std::vector<std::string>& targets) {
  if (!desired_) {
    return;
  }
  for (const auto& [name, plan] : desired_->plans()) {
    const bool is_asked = targets.empty() || std::ranges::find(targets, name) != targets.end();
    if (!is_asked || plan->target.paused) {
      continue;
    }
    for (const auto& name_space : standings_.namespaces_of(*plan)) {
      const Key key{name_space, plan->target.secret};
      const Entry* entry = cache_.find(key);
      if (entry == nullptr || !entry->observed.secret || standings_.claim_of(key).plan != plan.get()) {
        continue;  // there is no Secret, or another target would take it
      }
      if (is_adopted(targets.empty() ? Adoption::lost : Adoption::all, *entry->observed.secret, holder_)) {
        reconciler_.adopt(key);
        consider(key);
      }
    }
  }
}

void Cluster::end_adoptions() {
  for (const auto& key : reconciler_.end_adoptions()) {
    tell_change(key);
  }
}

bool Cluster::awaits_labels(const std::function<bool(const std::string& target)>& is_asked) const {
  const auto awaits = [&](const std::string& name_space, const std::string& secret) {
    const Key key{name_space, secret};
    const Entry* entry = cache_.find(key);
    return entry != nullptr && entry->observed.secret && is_asked(entry->observed.secret->target) &&
           reconciler_.decide(key, *desired_).awaits_labels();
  };
  return desired_ && std::ranges::any_of(cache_.unsettled_namespaces(), [&](const std::string& name_space) {
           return std::ranges::any_of(watches_.table().places->secrets,
                                      [&](const auto& item) { return awaits(name_space, item.first); });
         });
}

asio::awaitable<void> Cluster::settled() {
  while (true) {
    while (!watches_.table().settled() || !sweep_.idle()) {
      co_await progress_.wait();
    }
    co_await queue_.settled();
    if (watches_.table().settled()) {
      co_return;
    }
    // A read before a write found a Secret in the way, and a watch of it has started.
  }
}

bool Cluster::answers() const {
  const auto& watches = watches_.table().watches;
  return connected() || std::any_of(watches.begin(), watches.end(), [](const auto& item) {
           const Watch& watch = *item.second;
           return watch.believed() && !(watch.problem && cuts_off(*watch.problem));
         });
}

ContextStatus Cluster::status() const {
  ContextStatus status;
  status.name = context().name;
  status.server = context().server;
  status.connected = connected();
  status.problem = health_.problem;
  return status;
}

bool Cluster::is_clean_of(const std::string& target, const Places& places) const {
  return queue_.idle() && sweep_.idle() && standings_.is_clean_of(target, places);
}

bool Cluster::is_empty_of(const std::string& target, const Places& places) const {
  return queue_.idle() && sweep_.idle() && standings_.is_empty_of(target, places);
}

bool Cluster::may_want(const Key& key) const {
  const auto claim = standings_.claim_of(key);
  return claim.unknown || (claim.plan != nullptr && !claim.plan->remove);
}

bool Cluster::wants(const Key& key) const {
  const auto* plan = standings_.claim_of(key).plan;
  return plan != nullptr && !plan->remove;
}

bool Cluster::may_write(const Key& key) const {
  if (queue_.works_on(key)) {
    return true;
  }
  const bool is_to_be_tried = queue_.holds(key) || sweep_.will_visit(key.secret);
  return is_to_be_tried && desired_ && !health_.is_cut_off() &&
         reconciler_.has_work(key, reconciler_.decide(key, *desired_));
}

bool Cluster::is_claimed_elsewhere(const Key& key) const {
  const auto claim = standings_.claim_of(key);
  return claim.unknown || claim.elsewhere != nullptr;
}

asio::awaitable<std::string> Cluster::uid_of(Key key) {
  kube::ObjectPath path;
  path.resource = "secrets";
  path.name_space = key.name_space;
  path.name = key.secret;
  try {
    const auto secret = co_await client_.get(std::move(path));
    co_return std::string(text_at(secret, {"metadata", "uid"}));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
  }
  co_return std::string();
}

asio::awaitable<std::string> Cluster::identity() {
  kube::ObjectPath path;
  path.resource = "namespaces";
  path.name = "kube-system";
  try {
    const auto name_space = co_await client_.get(std::move(path));
    const std::string_view uid = text_at(name_space, {"metadata", "uid"});
    co_return is_uid(uid) ? std::string(uid) : std::string();
  } catch (const Error& error) {
    if (!needs_help(error.code())) {
      throw;
    }
  }
  co_return std::string();
}

asio::awaitable<void> Cluster::stop() {
  sweep_.stop();
  co_await watches_.stop();
  co_await queue_.stop();
  co_await healer_.stop();
  progress_.notify_all();  // wakes waiters, because no more progress will come
}

}  // namespace regsync
