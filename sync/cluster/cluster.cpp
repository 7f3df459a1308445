#include "sync/cluster/cluster.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/model/remedy.hpp"

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
    : Cluster(executor, context.clone(), std::make_unique<kube::HttpClient>(executor, kube::endpoint_of(context)),
              options, std::move(on_change)) {}

Cluster::Cluster(asio::any_io_executor executor, kube::ResolvedContext context,
                 std::unique_ptr<kube::HttpTransport> transport, const ClusterOptions& options,
                 std::function<void()> on_change)
    : executor_(executor),
      holder_(options.owner.holder()),
      metrics_(options.metrics),
      bulk_(options.bulk),
      on_change_(std::move(on_change)),
      on_written_(options.on_written),
      client_(std::move(context), std::move(transport)),
      watches_(executor, client_, cache_, options.owner.id, options.few_watches,
               {.on_key = [this](const Key& key) { consider(key); },
                .on_namespace = [this](const std::string& name_space) { consider_namespace(name_space); },
                .on_secret = [this](const std::string& secret) { consider_secret(secret); },
                .on_everything = [this] { consider_everything(); },
                .on_restart = [this] { on_restart(); },
                .on_health = [this] { on_health(); }}),
      reconciler_(client_, cache_, places_, options.owner,
                  {.on_change = [this](const Change& change) { on_written(change); },
                   .check_elsewhere = [this, check = options.check_elsewhere](Key key, std::string uid,
                                                                              Taking taking) -> asio::awaitable<void> {
                     if (check) {
                       co_await check(this->context().name, std::move(key), std::move(uid), taking);
                     }
                   },
                   .may_be_wanted = [this](const Key& key) { return may_want(key); },
                   .on_setback = [this] { watches_.relist(); }}),
      healer_(executor, client_, [this](const Change& change) { on_written(change); }),
      queue_(
          executor, {.max_in_flight = options.concurrency}, [this](Key key) { return work(std::move(key)); },
          [this](const Key& key, const Outcome& outcome) { on_worked(key, outcome); }),
      sweep_(executor, {.namespaces_of = [this](const std::string& secret) { return namespaces_of(secret); },
                        .visit = [this](const Key& key) { consider(key); },
                        .on_end =
                            [this] {
                              put_writes_first();
                              progress_.notify_all();
                            }}),
      since_(system_clock::now()),
      progress_(executor) {}

// Work that is proportional to what changed: one rotated login of a hundred targets concerns one Secret name.
void Cluster::set_desired(std::shared_ptr<const DesiredState> desired, const Places& places) {
  const auto before = std::exchange(desired_, std::move(desired));
  const bool same_places = places == places_;
  if (!same_places) {
    places_ = places;
    watches_.follow(places_);
  }
  const auto names = before && same_places ? desired_->secrets_that_differ_from(*before) : std::nullopt;
  if (names) {
    for (const auto& secret : *names) {
      sweep_.add(secret);
    }
    sweep_.run();
  } else {
    consider_everything();
  }
  on_change_();
}

bool Cluster::is_cut_off() const { return problem_ && is_connection_trouble(*problem_); }

bool Cluster::is_due(const Key& key, const Decision& decision) const {
  return decision.action != Action::nothing || (decision.plan != nullptr && decision.state != SyncState::paused &&
                                                !reconciler_.accounts_in_order(key, *decision.plan));
}

// What was noted last counts only where it is about what is to be done now: a key for which something is to be done is
// never in sync, whatever was noted before.
Cluster::Standing Cluster::classify(const Key& key) const {
  Standing standing;
  standing.decision = reconciler_.decide(key, *desired_);
  standing.due = is_due(key, standing.decision);
  const Entry* entry = cache_.find(key);
  const bool tried = entry != nullptr && entry->progress.tried();
  standing.since = tried ? WallTime(entry->progress.since) : since_;
  const auto trust = watches_.trust(key);
  // An event may tell of our write before its answer does.
  const bool being_written = queue_.works_on(key) && (!tried || entry->progress.state != SyncState::in_sync);
  const bool noted = trust == ClusterWatches::Trust::on_demand;
  const bool known = !being_written && trust != ClusterWatches::Trust::not_yet && (!noted || tried);
  if (!standing.due && known) {
    standing.state = noted ? entry->progress.state : standing.decision.state;
    standing.cause = standing.decision.cause;
    if (noted && entry->progress.cause) {
      standing.cause = *entry->progress.cause;
    }
    return standing;
  }
  const bool removing = standing.decision.action == Action::remove || standing.decision.action == Action::release;
  const bool failed = tried && entry->progress.cause &&
                      (entry->progress.state == SyncState::retrying || entry->progress.state == SyncState::stuck);
  if (tried && entry->progress.state == SyncState::terminating && !is_cut_off()) {
    standing.state = SyncState::terminating;
  } else if (failed && !is_cut_off()) {
    standing.state = entry->progress.state;
    standing.cause = *entry->progress.cause;
  } else {
    standing.state = problem_ ? SyncState::retrying : SyncState::pending;
    standing.cause = problem_;
  }
  if (removing) {
    standing.state = SyncState::removing;
  }
  return standing;
}

void Cluster::consider(const Key& key) {
  const auto trust = watches_.trust(key);
  if (!desired_ || trust == ClusterWatches::Trust::not_yet) {
    return;
  }
  // What is being written now is not known yet: once it is, the key is looked at again.
  if (trust != ClusterWatches::Trust::on_demand && !queue_.works_on(key)) {
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

void Cluster::consider_namespace(const std::string& name_space) {
  for (const auto& [secret, scope] : places_.secrets) {
    const Key key{name_space, secret};
    if (scope.covers(name_space) || cache_.find(key) != nullptr) {
      consider(key);
    }
  }
}

std::vector<std::string> Cluster::namespaces_of(const std::string& secret) const {
  const auto scope = places_.secrets.find(secret);
  if (!desired_ || scope == places_.secrets.end()) {
    return {};
  }
  std::vector<std::string> names(scope->second.namespaces.begin(), scope->second.namespaces.end());
  if (scope->second.any) {
    cache_.for_each_namespace(
        [&names](const std::string& name_space, const NamespaceView&) { names.push_back(name_space); });
  }
  cache_.for_each(secret, [&names](const std::string& name_space, const Entry&) { names.push_back(name_space); });
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void Cluster::consider_secret(const std::string& secret) {
  sweep_.add(secret);
  sweep_.run();
}

void Cluster::consider_everything() {
  for (const auto& [secret, scope] : places_.secrets) {
    sweep_.add(secret);
  }
  sweep_.run();
}

// To be told of each write costs a busy API server a sixth of its work; they are what people wait for.
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
  const auto desired = desired_;  // stays as it is while this runs; a newer one adds the key again
  const auto trust = watches_.trust(key);
  if (trust == ClusterWatches::Trust::not_yet) {
    co_return Outcome{};  // the list that is on its way considers every key
  }
  const auto started = steady_clock::now();
  const Entry* before = cache_.find(key);
  const auto state_before = before == nullptr ? SyncState::pending : before->progress.state;
  const auto wrote_before = before == nullptr ? steady_clock::time_point() : before->progress.wrote;
  const Outcome outcome = co_await reconciler_.reconcile(key, desired, trust);
  watches_.check(key);
  const Entry* entry = cache_.find(key);
  if (entry == nullptr) {
    co_return outcome;
  }
  const Progress& after = entry->progress;
  count([&](Metrics& metrics) {
    if (after.wrote != wrote_before) {
      metrics.synced(context().name, steady_clock::now() - started);
    }
    if (outcome.kind != Outcome::Kind::done && after.cause) {
      metrics.failed(context().name, after.cause->code());
    }
  });
  if (after.state != state_before && after.cause && after.state != SyncState::in_sync) {
    const auto claim = claim_of(key);
    const std::string target = claim.plan != nullptr ? claim.plan->target.name : "";
    log::warning(describe(for_context(*after.cause, target, context().name)),
                 {.target = target, .context = context().name, .name_space = key.name_space});
  }
  co_return outcome;
}

void Cluster::on_written(Change change) {
  change.context = context().name;
  const bool takes_away = change.kind == Change::Kind::deleted || change.kind == Change::Kind::released;
  // A bulk is one line: thousands would cost the journal as much as the Secrets cost us. What takes a Secret away is
  // told one by one.
  const bool in_bulk = in_bulk_ && !takes_away;
  bulk_written_ += in_bulk ? 1 : 0;
  log::write(in_bulk ? log::Level::debug : log::Level::info,
             {.target = change.target, .context = change.context, .name_space = change.name_space}, describe(change));
  if (on_written_) {
    on_written_(change);
  }
  heal_after(change);
}

// What was written may be what pods wait for.
void Cluster::heal_after(const Change& change) {
  const bool repairs = change.kind == Change::Kind::created || change.kind == Change::Kind::updated ||
                       change.kind == Change::Kind::adopted || change.kind == Change::Kind::attached;
  const auto plan = desired_->plans().find(change.target);
  if (repairs && plan != desired_->plans().end() && plan->second->target.heal) {
    healer_.repaired({change.name_space, change.secret}, change.target, change.service_account, plan->second->payload);
  }
}

void Cluster::on_worked(const Key& key, const Outcome& outcome) {
  count([this](Metrics& metrics) { metrics.queue_depth(context().name, queue_.depth()); });
  if (outcome.defect) {
    log::error("the work on " + key.name_space + "/" + key.secret + " failed: " + describe(*outcome.defect),
               {.context = context().name, .name_space = key.name_space});
    reconciler_.record_defect(key, *outcome.defect);
  }
  put_writes_first();
  on_change_();
}

void Cluster::on_health() {
  const auto problem = watches_.problem();
  const bool changed = problem != problem_;
  if (changed) {
    since_ = system_clock::now();
    if (problem) {
      log::warning(describe(*problem), {.context = context().name});
    } else {
      log::info("connected", {.context = context().name});
    }
  }
  problem_ = problem;
  if (is_cut_off()) {
    queue_.pause();
  } else {
    queue_.resume();
  }
  put_writes_first();
  progress_.notify_all();
  on_change_();
}

void Cluster::use_credentials_of(kube::ResolvedContext context) {
  client_.use_credentials_of(std::move(context));
  if (watches_.problem() || watches_.namespaces_forbidden()) {
    kick();
  } else {
    retry_failed();
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

void Cluster::adopt(const std::optional<std::string>& target) {
  if (!desired_) {
    return;
  }
  for (const auto& [name, plan] : desired_->plans()) {
    if ((target && name != *target) || plan->target.paused) {
      continue;
    }
    for (const auto& name_space : candidates(*plan)) {
      const Key key{name_space, plan->target.secret};
      const Entry* entry = cache_.find(key);
      if (entry == nullptr || !entry->observed.secret) {
        continue;
      }
      const SecretView& view = *entry->observed.secret;
      const bool lost = view.ownership == Ownership::other_owner && view.holder == holder_;
      if (target ? view.ownership != Ownership::ours : lost) {
        reconciler_.adopt(key);
        consider(key);
      }
    }
  }
}

asio::awaitable<void> Cluster::settled() {
  while (!watches_.settled() || !sweep_.idle()) {
    co_await progress_.wait();
  }
  co_await queue_.settled();
}

DesiredState::Claim Cluster::claim_of(const Key& key) const { return desired_->claim(key, reconciler_.facts(key)); }

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
  if (scope.any) {
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

StatusRow Cluster::row_of(const std::string& target, const Key& key) const {
  StatusRow row;
  row.target = target;
  row.context = context().name;
  row.name_space = key.name_space;
  row.secret = key.secret;
  row.since = since_;
  return row;
}

StatusRow Cluster::row_for(const Plan& plan, const std::string& name_space) const {
  const Key key{name_space, plan.target.secret};
  StatusRow row = row_of(plan.target.name, key);
  row.since = std::max(since_, plan.since);
  const auto claim = claim_of(key);
  if (claim.plan != &plan && claim.plan != nullptr) {
    row.state = SyncState::stuck;
    row.cause = Error(ErrorCode::already_exists, "target " + claim.plan->target.name + " claims the same Secret",
                      "give one of them another name with `secret:`");
    return row;
  }
  if (claim.elsewhere != nullptr) {
    row.state = SyncState::stuck;
    row.cause = Error(ErrorCode::already_exists,
                      "target " + claim.elsewhere->name + " claims the same Secret through context " + *claim.through +
                          ", which leads to the same cluster",
                      "give one of them another name with `secret:`");
    return row;
  }
  if (claim.unknown) {
    hold_for_namespaces(row);
    return row;
  }
  auto standing = classify(key);
  row.state = standing.state;
  row.cause = std::move(standing.cause);
  row.since = std::max(standing.since, plan.since);
  if (const Entry* entry = cache_.find(key); entry != nullptr && entry->progress.last_change != Stamp()) {
    row.last_change = entry->progress.last_change;
  }
  if (const auto next = queue_.next_try(key)) {
    row.next_try =
        system_clock::now() + std::chrono::duration_cast<system_clock::duration>(*next - steady_clock::now());
  }
  return row;
}

const std::set<std::string>& Cluster::names_held_by(const std::string& target) const {
  if (held_.revision != cache_.revision()) {
    held_ = {.revision = cache_.revision(), .names = {}};
    for (const auto& secret : cache_.secret_names()) {
      cache_.for_each(secret, [&](const std::string&, const Entry& entry) {
        if (entry.observed.secret) {
          held_.names[entry.observed.secret->target].insert(secret);
        }
      });
    }
  }
  static const std::set<std::string> none;
  const auto names = held_.names.find(target);
  return names == held_.names.end() ? none : names->second;
}

void Cluster::for_each_leftover(const std::string& target,
                                const std::function<bool(const Key&, const Standing&)>& visit) const {
  const auto plan = desired_->plans().find(target);
  bool more = true;
  for (const auto& secret : names_held_by(target)) {
    cache_.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      const auto& view = entry.observed.secret;
      const bool ours = view && view->ownership == Ownership::ours;
      const bool may_be_ours = ours || (view && view->ownership == Ownership::unplaced);
      if (!more || !may_be_ours || view->target != target) {
        return;
      }
      const Key key{name_space, secret};
      const auto standing = classify(key);
      const auto action = standing.decision.action;
      const auto claim = claim_of(key);
      const bool may_stay = plan != desired_->plans().end() && plan->second->target.secret == secret &&
                            selects(plan->second->target, name_space, cache_.find_namespace(name_space),
                                    desired_->default_namespace()) != Selected::no;
      // Another target claims the place, or may: ours is not gone before that one has written its own.
      const bool passed_on =
          desired_->knows(target) && !may_stay && (ours || action == Action::update) &&
          (claim.plan != nullptr || claim.unknown || (claim.elsewhere != nullptr && claim.elsewhere->name != target));
      if (action == Action::remove || action == Action::release || passed_on) {
        more = visit(key, standing);
      }
    });
  }
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
    const auto& secret = plan->second->target.secret;
    const bool by_namespace = places_of(plan->second->target, desired_->default_namespace()).secrets.at(secret).any;
    if (by_namespace && !cache_.namespaces_complete()) {
      StatusRow row = row_of(target, {"", secret});
      row.since = std::max(since_, plan->second->since);
      hold_for_namespaces(row);
      rows.push_back(std::move(row));
    }
  }
  for_each_leftover(target, [&](const Key& key, const Standing& standing) {
    StatusRow row = row_of(target, key);
    row.state = SyncState::removing;
    row.cause = standing.cause ? standing.cause : problem_;
    row.since = standing.since;
    rows.push_back(std::move(row));
    return true;
  });
}

void Cluster::add_unread_rows(const std::string& target, const Places& places, std::vector<StatusRow>& rows) const {
  for (const auto& [secret, scope] : places.secrets) {
    bool others = false;
    cache_.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      const bool plain = scope.namespaces.contains(name_space);
      if (entry.observed.secret || !entry.progress.cause || (!plain && (others || !scope.any))) {
        return;
      }
      StatusRow row = row_of(target, {plain ? name_space : "", secret});
      row.state = SyncState::removing;
      row.cause = *entry.progress.cause;
      row.since = entry.progress.since;
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
      if (!found && entry.observed.secret && entry.observed.secret->ownership == Ownership::ours) {
        const Key key{name_space, secret};
        const auto claim = claim_of(key);
        found = !watches_.knows_all_accounts() ||
                (claim.plan != nullptr && !reconciler_.attached_accounts(key, claim.plan).empty());
      }
    });
  }
  return found;
}

bool Cluster::is_clean_of(const std::string& target, const Places& places) const {
  if (!desired_ || !queue_.idle() || !sweep_.idle() ||
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
      if (entry != nullptr && entry->progress.cause &&
          watches_.trust({name_space, secret}) == ClusterWatches::Trust::on_demand) {
        return false;  // read one by one, and this one could not be read
      }
    }
  }
  bool clean = true;
  for_each_leftover(target, [&clean](const Key&, const Standing&) { return clean = false; });
  return clean;
}

ContextStatus Cluster::status() const {
  ContextStatus status;
  status.name = context().name;
  status.server = context().server;
  status.connected = watches_.listed() && !problem_;
  status.problem = problem_;
  return status;
}

bool Cluster::may_want(const Key& key) const {
  if (!desired_) {
    return false;
  }
  const auto claim = claim_of(key);
  return claim.unknown || (claim.plan != nullptr && !claim.plan->remove);
}

bool Cluster::wants(const Key& key) const {
  const auto* plan = desired_ ? claim_of(key).plan : nullptr;
  return plan != nullptr && !plan->remove;
}

bool Cluster::may_write(const Key& key) const {
  return queue_.works_on(key) || (desired_ && !is_cut_off() && is_due(key, reconciler_.decide(key, *desired_)));
}

bool Cluster::is_claimed_elsewhere(const Key& key) const {
  if (!desired_) {
    return false;
  }
  const auto claim = claim_of(key);
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
    co_return std::string(text_at(name_space, {"metadata", "uid"}));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) {
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
  progress_.notify_all();  // who waits for what will not come
}

}  // namespace regsync
