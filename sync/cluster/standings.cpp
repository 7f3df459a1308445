#include "sync/cluster/standings.hpp"

#include <algorithm>
#include <utility>

#include "sync/cluster/write_trouble.hpp"

namespace regsync {

using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

Error may_not_give_up(std::string_view holder) {
  const std::string target(holder);
  return {ErrorCode::already_exists,
          "target " + target + " has the same Secret, and it is not certain yet that it gives it up",
          "nothing to do if its file has just changed; else: regsync status " + target};
}

}  // namespace

// The last recorded result counts only if it concerns the current work: a key that needs work is never in sync,
// whatever was recorded before.
Standings::Standing Standings::classify(const Key& key) const {
  Decision decision = from_.reconciler.decide(key, *from_.desired);
  const Entry* entry = from_.cache.find(key);
  const Progress* noted = entry != nullptr && entry->progress.tried() ? &entry->progress : nullptr;
  const auto trust = from_.reconciler.trust(key, *from_.desired);
  const bool by_reading = trust == Trust::on_demand;
  // A write in progress may be for an earlier desired state, whatever the cache holds now. (A key that is known by
  // reading is in work even while it is only read.)
  const bool being_written =
      from_.queue.works_on(key) && (!by_reading || noted == nullptr || noted->state != SyncState::in_sync);
  const bool known = !being_written && trust != Trust::not_yet && (!by_reading || noted != nullptr);
  if (!known || from_.reconciler.has_work(key, decision)) {
    auto standing = classify_unsettled(std::move(decision), noted);
    if (trust == Trust::not_yet && !standing.cause) {
      standing.cause = what_is_awaited();
    }
    return standing;
  }
  Standing standing{.decision = std::move(decision), .cause = std::nullopt, .since = since(noted)};
  // A failure stands until a new decision is recorded, even if its action is no longer allowed (an adoption that
  // ended).
  const bool stands = by_reading || (noted != nullptr && noted->cause && !noted->decided);
  standing.state = stands ? noted->state : standing.decision.state;
  standing.cause = stands && noted->cause ? *noted->cause : standing.decision.cause;
  return standing;
}

// Work is needed, or it is not known yet whether.
Standings::Standing Standings::classify_unsettled(Decision decision, const Progress* noted) const {
  Standing standing{.decision = std::move(decision), .cause = std::nullopt, .since = since(noted)};
  // An earlier decision does not hold up the current work.
  const bool failed = noted != nullptr && noted->cause && !noted->decided &&
                      (noted->state == SyncState::retrying || noted->state == SyncState::stuck);
  if (noted != nullptr && noted->state == SyncState::terminating && !from_.health.is_cut_off()) {
    standing.state = SyncState::terminating;
  } else if (failed && !from_.health.is_cut_off()) {
    standing.state = noted->state;
    standing.cause = *noted->cause;
  } else {
    standing.state = from_.health.problem ? SyncState::retrying : SyncState::pending;
    standing.cause = from_.health.problem;
  }
  if (standing.decision.action == Action::remove || standing.decision.action == Action::release) {
    standing.state = SyncState::removing;
  }
  return standing;
}

WallTime Standings::since(const Progress* noted) const {
  return noted != nullptr ? WallTime(noted->since) : from_.health.since;
}

std::optional<Error> Standings::unseen(const Key& key) const {
  std::optional<Error> problem = from_.health.problem;
  if (!problem || cuts_off(*problem)) {
    return problem;
  }
  problem.reset();
  for (const auto& id :
       {WatchId{secrets_resource, "", key.secret}, WatchId{secrets_resource, key.name_space, key.secret},
        WatchId{secrets_resource, "", ""}, WatchId{secrets_resource, key.name_space, ""}}) {
    const Watch* watch = from_.watches.find(id);
    if (watch == nullptr || !watch->believed()) {
      continue;
    }
    if (!watch->problem || !watch->lists_fail) {
      return std::nullopt;
    }
    problem = watch->problem;
  }
  return problem;
}

DesiredState::Claim Standings::claim_of(const Key& key) const {
  return from_.desired ? from_.desired->claim(key, from_.reconciler.facts(key)) : DesiredState::Claim();
}

std::vector<std::string> Standings::namespaces_of(const Plan& plan) const {
  const auto places = places_of(plan.target, from_.desired->default_namespace());
  const auto& scope = places.secrets.at(plan.target.secret);
  std::set<std::string> names;
  for (const auto& name_space : scope.namespaces) {
    if (selects(plan.target, name_space, from_.cache.find_namespace(name_space), from_.desired->default_namespace()) ==
        Selected::yes) {
      names.insert(name_space);
    }
  }
  if (scope.any) {
    from_.cache.for_each_namespace([&](const std::string& name_space, const NamespaceView& view) {
      if (selects(plan.target, name_space, &view, from_.desired->default_namespace()) == Selected::yes) {
        names.insert(name_space);
      }
    });
  }
  return {names.begin(), names.end()};
}

// Marks a row that waits for the namespaces to be known.
void Standings::hold_for_namespaces(StatusRow& row) const {
  const auto forbidden = from_.watches.namespaces_forbidden();
  row.state = forbidden ? SyncState::stuck : from_.health.problem ? SyncState::retrying : SyncState::pending;
  row.cause = forbidden ? forbidden : what_is_awaited();
}

Error Standings::what_is_awaited() const {
  return from_.health.problem.value_or(
      Error(ErrorCode::unreachable, "context " + from_.context + " has not listed its namespaces and Secrets yet",
            "if that lasts: kubectl get namespaces"));
}

StatusRow Standings::row_of(const std::string& target, const Key& key) const {
  StatusRow row;
  row.target = target;
  row.context = from_.context;
  row.name_space = key.name_space;
  row.secret = key.secret;
  row.since = from_.health.since;
  return row;
}

StatusRow Standings::row_for(const Plan& plan, const std::string& name_space) const {
  const Key key{name_space, plan.target.secret};
  StatusRow row = row_of(plan.target.name, key);
  row.since = std::max(from_.health.since, plan.since);
  const auto claim = claim_of(key);
  if (auto refusal = claim.refusal_of(plan)) {
    row.state = SyncState::stuck;
    row.cause = std::move(refusal);
    return row;
  }
  if (!claim.holder.empty()) {
    row.cause = may_not_give_up(claim.holder);
    return row;
  }
  if (claim.unknown) {
    hold_for_namespaces(row);
    return row;
  }
  if (plan.remove && claim.plan != &plan) {  // another target has it or takes it over
    row.state = is_held_by(plan.target.name, key) ? SyncState::removing : SyncState::in_sync;
    return row;
  }
  auto standing = classify(key);
  row.state = standing.state;
  row.cause = std::move(standing.cause);
  row.since = std::max(standing.since, plan.since);
  if (auto problem = unseen(key); row.state == SyncState::in_sync && problem) {  // it was in sync when last seen
    row.state = SyncState::retrying;
    row.cause = std::move(problem);
    row.since = from_.health.since;
  }
  if (const Entry* entry = from_.cache.find(key); entry != nullptr && entry->progress.last_change != Stamp()) {
    row.last_change = entry->progress.last_change;
  }
  if (const auto next = from_.queue.next_try(key)) {
    row.next_try =
        system_clock::now() + std::chrono::duration_cast<system_clock::duration>(*next - steady_clock::now());
  }
  return row;
}

bool Standings::is_held_by(const std::string& target, const Key& key) const {
  const Entry* entry = from_.cache.find(key);
  return entry != nullptr && entry->observed.secret && entry->observed.secret->ownership == Ownership::ours &&
         entry->observed.secret->target == target;
}

const std::set<std::string>& Standings::names_held_by(const std::string& target) const {
  if (held_.revision != from_.cache.revision()) {
    held_ = {.revision = from_.cache.revision(), .names = {}};
    for (const auto& secret : from_.cache.secret_names()) {
      from_.cache.for_each(secret, [&](const std::string&, const Entry& entry) {
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

void Standings::for_each_leftover(const std::string& target,
                                  const std::function<bool(const Key&, const Standing&)>& visit) const {
  const auto plan = from_.desired->plans().find(target);
  bool more = true;
  for (const auto& secret : names_held_by(target)) {
    from_.cache.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      const auto& view = entry.observed.secret;
      const bool ours = view && view->ownership == Ownership::ours;
      const bool may_be_ours = ours || (view && view->ownership == Ownership::unplaced);
      if (!more || !may_be_ours || view->target != target) {
        return;
      }
      const Key key{name_space, secret};
      const auto standing = classify(key);
      const auto& decision = standing.decision;
      const auto claim = claim_of(key);
      const bool may_stay = plan != from_.desired->plans().end() && plan->second->target.secret == secret &&
                            selects(plan->second->target, name_space, from_.cache.find_namespace(name_space),
                                    from_.desired->default_namespace()) != Selected::no;
      // Another target claims the place, or may: our Secret stays until that target has written its own.
      const bool passed_on =
          from_.desired->knows(target) && !may_stay && (ours || decision.action == Action::update) &&
          (claim.plan != nullptr || claim.unknown || (claim.elsewhere != nullptr && claim.elsewhere->name != target));
      if (decision.state == SyncState::removing || passed_on) {
        more = visit(key, standing);
      }
    });
  }
}

void Standings::add_rows(const std::string& target, std::vector<StatusRow>& rows) const {
  if (!from_.desired) {
    return;
  }
  const auto plan = from_.desired->plans().find(target);
  if (plan != from_.desired->plans().end()) {
    for (const auto& name_space : namespaces_of(*plan->second)) {
      StatusRow row = row_for(*plan->second, name_space);
      if (!plan->second->remove || row.state != SyncState::in_sync) {  // after a logout, in sync means no Secret
        rows.push_back(std::move(row));
      }
    }
    const auto& secret = plan->second->target.secret;
    const bool by_namespace =
        places_of(plan->second->target, from_.desired->default_namespace()).secrets.at(secret).any;
    if (by_namespace && !from_.cache.namespaces_complete()) {
      StatusRow row = row_of(target, {"", secret});
      row.since = std::max(from_.health.since, plan->second->since);
      hold_for_namespaces(row);
      rows.push_back(std::move(row));
    }
    add_detach_rows(*plan->second, rows);
  }
  for_each_leftover(target, [&](const Key& key, const Standing& standing) {
    StatusRow row = row_of(target, key);
    row.state = SyncState::removing;
    row.cause = standing.cause ? standing.cause : from_.health.problem;
    row.since = standing.since;
    rows.push_back(std::move(row));
    return true;
  });
}

// If several targets use one Secret name, the first gets the rows: nothing tells which target a Secret belonged to.
void Standings::add_detach_rows(const Plan& plan, std::vector<StatusRow>& rows) const {
  if (from_.desired->targets_of(plan.target.secret).front() != plan.target.name) {
    return;
  }
  from_.cache.for_each(plan.target.secret, [&](const std::string& name_space, const Entry& entry) {
    const Key key{name_space, plan.target.secret};
    if (entry.observed.secret || !entry.progress.cause ||
        from_.reconciler.decide(key, *from_.desired).action != Action::detach) {
      return;
    }
    StatusRow row = row_of(plan.target.name, key);
    row.state = SyncState::removing;
    row.cause = *entry.progress.cause;
    row.since = entry.progress.since;
    rows.push_back(std::move(row));
  });
}

void Standings::add_held_rows(const std::string& target, std::vector<StatusRow>& rows) const {
  for (const auto& secret : names_held_by(target)) {
    from_.cache.for_each(secret, [&](const std::string& name_space, const Entry&) {
      const Key key{name_space, secret};
      if (is_held_by(target, key)) {
        rows.push_back(row_of(target, key));
        rows.back().state = SyncState::removing;
      }
    });
  }
}

void Standings::add_unread_rows(const std::string& target, const Places& places, std::vector<StatusRow>& rows) const {
  for (const auto& [secret, scope] : places.secrets) {
    bool others = false;
    from_.cache.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
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

// Whether ServiceAccounts list, or may list, a Secret of the target that they should no longer list: another target has
// taken it over, or it is gone.
bool Standings::may_be_attached(const std::string& target, const Places& places) const {
  if (from_.watches.knows_all_accounts()) {
    return is_any_attached(places, [this](const Key& key) { return is_to_be_detached(key); });
  }
  const bool is_left = !places.service_accounts.empty() && !from_.desired->plans().contains(target);
  return is_left || std::ranges::any_of(places.secrets, [&](const auto& item) {
           return may_be_attached_unseen(item.first, item.second, !places.service_accounts.empty());
         });
}

// The accounts are not known yet. A missing Secret that a target claims does not count: it is not created before they
// are known.
bool Standings::may_be_attached_unseen(const std::string& secret, const Scope& scope, bool was_attached) const {
  bool found = was_attached && (scope.any || std::ranges::any_of(scope.namespaces, [&](const std::string& name_space) {
                                  return claim_of({name_space, secret}).plan == nullptr;
                                }));
  from_.cache.for_each(secret, [&found](const std::string&, const Entry& entry) {
    found = found || (entry.observed.secret && entry.observed.secret->ownership == Ownership::ours);
  });
  return found;
}

bool Standings::is_any_attached(const Places& places, const std::function<bool(const Key&)>& counts) const {
  bool found = false;
  for (const auto& [secret, scope] : places.secrets) {
    from_.cache.for_each_attached(secret, [&](const std::string& name_space) {
      found = found || (scope.covers(name_space) && counts({name_space, secret}));
    });
  }
  return found;
}

bool Standings::is_to_be_detached(const Key& key) const {
  const Entry* entry = from_.cache.find(key);
  const bool is_there = entry != nullptr && entry->observed.secret;
  if (is_there && entry->observed.secret->ownership != Ownership::ours) {
    return false;
  }
  const auto claim = claim_of(key);
  if (claim.plan != nullptr) {
    return !from_.reconciler.attachments().excess(key, claim.plan).empty();
  }
  return !is_there && !from_.reconciler.attachments().excess(key, nullptr).empty() &&
         (claim.unknown || from_.reconciler.decide(key, *from_.desired).action == Action::detach);
}

bool Standings::knows(const Places& places) const {
  return from_.desired && from_.watches.places->includes(places) &&
         std::ranges::all_of(places.secrets,
                             [this](const auto& item) { return knows_secret(item.first, item.second); });
}

bool Standings::knows_secret(const std::string& secret, const Scope& scope) const {
  // Without a list, each namespace is read; the queue is empty once all were read.
  const bool one_by_one = !from_.watches.covers(secret);
  if (one_by_one && !(from_.watches.is_list_forbidden(secret) && from_.cache.namespaces_complete() &&
                      from_.watches.knows_all_accounts())) {
    return false;
  }
  bool failed = false;
  if (one_by_one) {
    from_.cache.for_each(secret, [&](const std::string&, const Entry& entry) {
      failed = failed || (!entry.observed.secret && entry.progress.cause);
    });
  }
  return !failed && std::ranges::none_of(scope.namespaces, [&](const std::string& name_space) {
    if (from_.watches.trust_of_secret({name_space, secret}) != Trust::on_demand) {
      return false;
    }
    // Read individually: this one failed, or was not read yet because it waits for the list of ServiceAccounts.
    const Entry* entry = from_.cache.find({name_space, secret});
    return (entry != nullptr && entry->progress.cause) || !from_.watches.knows_accounts(name_space);
  });
}

std::optional<Error> Standings::what_is_unread(const Places& places) const {
  return knows(places) ? std::nullopt : std::optional(from_.watches.namespaces_forbidden().value_or(what_is_awaited()));
}

bool Standings::is_clean_of(const std::string& target, const Places& places) const {
  if (from_.desired && !from_.desired->knows(target)) {
    return is_empty_of(target, places);  // nothing here would be deleted, which proves nothing
  }
  if (!knows(places) || may_be_attached(target, places)) {
    return false;
  }
  bool clean = true;
  for_each_leftover(target, [&clean](const Key&, const Standing&) { return clean = false; });
  return clean;
}

bool Standings::is_empty_of(const std::string& target, const Places& places) const {
  return knows(places) && names_held_by(target).empty() &&
         (places.service_accounts.empty() || from_.watches.knows_all_accounts()) &&
         !is_any_attached(places, [this](const Key& key) {
           return claim_of(key).plan == nullptr && !from_.reconciler.attachments().excess(key, nullptr).empty();
         });
}

std::vector<Error> Standings::left_alone(const std::string& target, const Places& places) const {
  std::vector<Error> found;
  for (const auto& [secret, scope] : places.secrets) {
    from_.cache.for_each(secret, [&](const std::string& name_space, const Entry& entry) {
      const auto& view = entry.observed.secret;
      const Key key{name_space, secret};
      if (!view || view->ownership == Ownership::ours || view->ownership == Ownership::unplaced ||
          !scope.covers(name_space) ||
          (view->target != target && !scope.namespaces.contains(name_space) && !is_unmarked(*view)) ||
          claim_of(key).plan != nullptr) {
        return;
      }
      found.push_back(left_alone_error(key, *view, from_.context));
    });
  }
  return found;
}

}  // namespace regsync
