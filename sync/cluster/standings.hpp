// Standings compares the desired state of each Secret in a cluster with the observed state and the progress of the
// work. Status rows, and whether a removal is complete, derive from it.
//
// Only reads the other parts of a Cluster. Lives on the io_context thread; owned by its Cluster.
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
  // All references must outlive this.
  struct Sources {
    std::string context;
    const ClusterCache& cache;
    const WatchTable& watches;
    const Reconciler& reconciler;
    const WorkQueue& queue;
    const ClusterHealth& health;
    const std::shared_ptr<const DesiredState>& desired;  // null: not set yet
  };
  explicit Standings(Sources sources) : from_(std::move(sources)) {}

  void add_rows(const std::string& target, std::vector<StatusRow>& rows) const;
  // Adds rows for the Secrets of a removed target that a pause keeps.
  void add_held_rows(const std::string& target, std::vector<StatusRow>& rows) const;
  // Adds rows for places that a removal cannot read: one for each plainly named namespace, and one for all others.
  void add_unread_rows(const std::string& target, const Places& places, std::vector<StatusRow>& rows) const;
  // Why the contents of some of these places are unknown; nothing if all are known.
  [[nodiscard]] std::optional<Error> what_is_unread(const Places& places) const;
  // Whether it is certain that none of these places holds an unwanted Secret of the target, or a ServiceAccount an
  // unwanted entry. Call it only while nothing is queued or in work.
  [[nodiscard]] bool is_clean_of(const std::string& target, const Places& places) const;
  // The same for any Secret of the target, wanted or not.
  [[nodiscard]] bool is_empty_of(const std::string& target, const Places& places) const;

  // What a removed target leaves in these places because it is not regsync's. Where a pattern chose the namespaces,
  // only Secrets that name the target: for others it is unknown whether the target wanted them.
  [[nodiscard]] std::vector<Error> left_alone(const std::string& target, const Places& places) const;

  // The plan that claims a key according to the cache; none before a desired state is set.
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
  // noted: the result of the last work on the key; null: not tried yet.
  [[nodiscard]] Standing classify_unsettled(Decision decision, const Progress* noted) const;
  [[nodiscard]] WallTime since(const Progress* noted) const;
  // Why a Secret that was watched is not observed now; nothing if it is.
  [[nodiscard]] std::optional<Error> unseen(const Key& key) const;
  // Whether the Secret is ours and belongs to this target.
  [[nodiscard]] bool is_held_by(const std::string& target, const Key& key) const;
  // The names of the Secrets here that name this target.
  [[nodiscard]] const std::set<std::string>& names_held_by(const std::string& target) const;
  // Visits the Secrets of a target that exist, or may exist, where it no longer wants them. Stops when visit returns
  // false.
  void for_each_leftover(const std::string& target,
                         const std::function<bool(const Key&, const Standing&)>& visit) const;
  // Adds rows for deleted Secrets of a plan's name that could not be detached from ServiceAccounts.
  void add_detach_rows(const Plan& plan, std::vector<StatusRow>& rows) const;
  [[nodiscard]] bool may_be_attached(const std::string& target, const Places& places) const;
  // The same for one Secret name while accounts are unknown. was_attached: the places name ServiceAccounts.
  [[nodiscard]] bool may_be_attached_unseen(const std::string& secret, const Scope& scope, bool was_attached) const;
  // Whether a Secret of these places for which `counts` is true is attached to a ServiceAccount by us.
  [[nodiscard]] bool is_any_attached(const Places& places, const std::function<bool(const Key&)>& counts) const;
  // Whether some account lists a Secret, which we attached, against the desired state.
  [[nodiscard]] bool is_to_be_detached(const Key& key) const;
  [[nodiscard]] StatusRow row_of(const std::string& target, const Key& key) const;
  [[nodiscard]] StatusRow row_for(const Plan& plan, const std::string& name_space) const;
  void hold_for_namespaces(StatusRow& row) const;
  // Why an expected list has not arrived.
  [[nodiscard]] Error what_is_awaited() const;
  // Whether the contents of these places are known.
  [[nodiscard]] bool knows(const Places& places) const;
  [[nodiscard]] bool knows_secret(const std::string& secret, const Scope& scope) const;

  Sources from_;
  // The result of names_held_by() at a revision of the cache: a status asks for it once per target.
  struct Held {
    std::uint64_t revision = 0;
    std::map<std::string, std::set<std::string>> names;  // by target
  };
  mutable Held held_;
};

}  // namespace regsync
