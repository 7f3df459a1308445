// Standings compares what is wanted of each Secret in a cluster with what was observed, and with how far the work on it
// is. The rows of a status, and whether a removal is complete, derive from it.
//
// Reads what the other parts of a Cluster know, and changes nothing. Lives on the io_context thread; owned by its
// Cluster.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/cluster_health.hpp"
#include "sync/cluster/reconciler.hpp"
#include "sync/cluster/watch_table.hpp"
#include "sync/cluster/work_queue.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/places.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

class Standings {
 public:
  // All that is referred to outlives this.
  struct Sources {
    std::string context;
    const ClusterCache& cache;
    const WatchTable& watches;
    const Reconciler& reconciler;
    const WorkQueue& queue;
    const ClusterHealth& health;
    const std::shared_ptr<const DesiredState>& desired;  // null: nothing is known yet
  };
  explicit Standings(Sources sources) : from_(std::move(sources)) {}

  void add_rows(const std::string& target, std::vector<StatusRow>& rows) const;
  // The Secrets of a target that is removed, where a pause keeps them.
  void add_held_rows(const std::string& target, std::vector<StatusRow>& rows) const;
  // The places that a removal cannot read: each namespace that is named plainly, and one row for all others.
  void add_unread_rows(const std::string& target, const Places& places, std::vector<StatusRow>& rows) const;
  // Why it is not known what all of these places hold; nothing where it is.
  [[nodiscard]] std::optional<Error> what_is_unread(const Places& places) const;
  // Whether it is certain that none of these places holds a Secret of the target which should not be there, nor a
  // ServiceAccount an entry. Nothing is queued or in work.
  [[nodiscard]] bool is_clean_of(const std::string& target, const Places& places) const;
  // The same of any Secret of the target, wanted or not.
  [[nodiscard]] bool is_empty_of(const std::string& target, const Places& places) const;

  // What a target that is removed leaves in these places, because it is not regsync's. Where a pattern chose the
  // namespaces, only what names the target: of other Secrets it is not known that the target wanted them.
  [[nodiscard]] std::vector<Error> left_alone(const std::string& target, const Places& places) const;

  // Which plan claims a key, by what is known now; none before anything is desired.
  [[nodiscard]] DesiredState::Claim claim_of(const Key& key) const;
  // The namespaces in which a plan wants its Secret, sorted.
  [[nodiscard]] std::vector<std::string> namespaces_of(const Plan& plan) const;

 private:
  struct Standing {
    Decision decision;
    SyncState state = SyncState::pending;
    std::optional<Error> cause;
    WallTime since;
  };
  [[nodiscard]] Standing classify(const Key& key) const;
  // noted: what the last work on the key came to; null: it was not tried yet.
  [[nodiscard]] Standing classify_unsettled(Decision decision, const Progress* noted) const;
  [[nodiscard]] WallTime since(const Progress* noted) const;
  // Why nobody sees now what happens to a Secret that was followed; nothing where it is seen.
  [[nodiscard]] std::optional<Error> unseen(const Key& key) const;
  // Whether the Secret is ours, and of this target.
  [[nodiscard]] bool is_held_by(const std::string& target, const Key& key) const;
  // The names of the Secrets here that say they are of a target.
  [[nodiscard]] const std::set<std::string>& names_held_by(const std::string& target) const;
  // The Secrets of a target that are, or may be, where it does not want them any more. Ends early where visit answers
  // false.
  void for_each_leftover(const std::string& target,
                         const std::function<bool(const Key&, const Standing&)>& visit) const;
  // The Secrets of a plan's name that are gone, and that could not be detached from ServiceAccounts.
  void add_detach_rows(const Plan& plan, std::vector<StatusRow>& rows) const;
  [[nodiscard]] bool may_be_attached(const std::string& target, const Places& places) const;
  // The same of one Secret name, while accounts are not known. was_attached: to some, by the target's own words.
  [[nodiscard]] bool may_be_attached_unseen(const std::string& secret, const Scope& scope, bool was_attached) const;
  // Whether we attached a Secret of these places that counts to a ServiceAccount.
  [[nodiscard]] bool is_any_attached(const Places& places, const std::function<bool(const Key&)>& counts) const;
  // Of a Secret that we attached: whether some account names it against what is wanted now.
  [[nodiscard]] bool is_to_be_detached(const Key& key) const;
  [[nodiscard]] StatusRow row_of(const std::string& target, const Key& key) const;
  [[nodiscard]] StatusRow row_for(const Plan& plan, const std::string& name_space) const;
  void hold_for_namespaces(StatusRow& row) const;
  // Why a list that is to come has not come.
  [[nodiscard]] Error what_is_awaited() const;
  // Whether it is known what these places hold.
  [[nodiscard]] bool knows(const Places& places) const;
  [[nodiscard]] bool knows_secret(const std::string& secret, const Scope& scope) const;

  Sources from_;
  // What names_held_by() found at a revision of the cache: a status asks it for each target.
  struct Held {
    std::uint64_t revision = 0;
    std::map<std::string, std::set<std::string>> names;  // by target
  };
  mutable Held held_;
};

}  // namespace regsync
