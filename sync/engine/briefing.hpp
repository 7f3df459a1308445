// Briefing gives each cluster its desired state: the plans of the targets that concern it, what is held back, what may
// be deleted, and what is wanted through other contexts of the same cluster. A cluster is updated only when something
// changed.
//
// Reads objects that outlive it; owned by the Engine. Lives on the io_context thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/context_book.hpp"
#include "sync/engine/context_set.hpp"
#include "sync/engine/deletion_rule.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/engine/intent.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/engine/target_set.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/key.hpp"
#include "sync/model/places.hpp"

namespace regsync {

class Briefing {
 public:
  struct Sources {
    const TargetSet& targets;
    const ContextSet& contexts;
    const FootprintKeeper& footprints;
    const ContextBook& book;
    const PausedContexts& paused;
    const Intent& intent;
  };
  explicit Briefing(Sources sources) : from_(sources) {}

  // Updates the cluster of each context in the kubeconfig.
  void tell_all();
  // Updates the cluster of one context.
  void tell(const std::string& context);
  // Updates the plans of these targets (by context) where only logins changed. False if a cluster has no desired state
  // yet.
  bool tell_logins(const std::map<std::string, std::vector<std::string>>& targets);
  // The context has a new Cluster, which has no desired state yet.
  void forget(const std::string& context) { told_.erase(context); }

  // Whether Secrets in a context that a target's file does not cover are to be deleted.
  [[nodiscard]] bool may_delete(const Target& target, const std::string& context) const;
  // Whether a target may want a Secret through a context, by its file alone: nothing is known about the cluster.
  [[nodiscard]] bool may_be_wanted(const std::string& context, const Key& key) const;
  // Whether the cluster of a context was given what is wanted through the other one.
  [[nodiscard]] bool was_told_of(const std::string& context, const std::string& other) const;
  // The latest desired state given to the cluster of a context; null if none yet. Public for tests.
  [[nodiscard]] std::shared_ptr<const DesiredState> told_to(const std::string& context) const;

 private:
  // The latest state given to a cluster; shared with it.
  struct Told {
    std::shared_ptr<const DesiredState> desired;
    std::shared_ptr<const Places> places;
  };
  // By context, filled on demand; equal values share one object.
  using WantedThrough = std::map<std::string, DesiredState::Targets>;

  void tell(const std::string& context, Cluster& cluster, WantedThrough& wanted);
  [[nodiscard]] DesiredState::Plans plans_in(const Cluster& cluster, const std::string& context) const;
  [[nodiscard]] Places places_under(const std::set<std::string>& names) const;
  [[nodiscard]] ContextFacts facts_of(const std::string& context) const;
  [[nodiscard]] ContextFacts facts_with_targets(const std::string& context) const;
  [[nodiscard]] TargetFacts facts_of(const Target& target, const std::string& context) const;
  [[nodiscard]] std::optional<Hold> held(const Target& target, const std::string& context) const;
  [[nodiscard]] std::optional<Error> held_by_pin(const Target& target, const std::string& context) const;
  [[nodiscard]] std::vector<DesiredState::Sibling> siblings_of(const std::string& context, WantedThrough& wanted) const;
  [[nodiscard]] bool is_proven_peer(const std::string& context, const std::string& other) const;
  [[nodiscard]] std::vector<Target> what_is_wanted_through(const std::string& context) const;

  Sources from_;
  std::map<std::string, Told> told_;  // by context
};

}  // namespace regsync
