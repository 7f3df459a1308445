// Intent is what the targets mean: a plan for each target, and for each context the target with its own namespace
// resolved. It does not depend on what is in the clusters.
//
// Only derives, from objects that outlive it; owned by the Engine, which decides when. Lives on the io_context thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "sync/engine/context_set.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/engine/target_set.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

// By target: the contexts where its namespaces are not certain yet.
using Undecided = std::map<std::string, std::set<std::string>>;

class Intent {
 public:
  Intent(const TargetSet& targets, const ContextSet& contexts, const FootprintKeeper& footprints)
      : targets_(targets), contexts_(contexts), footprints_(footprints) {}

  // Makes the plans with these logins: again where a target or one of its logins changed. An equal plan stays the same
  // object, so that clusters are not updated with it again.
  void make_plans(KnownLogins logins);
  // Resolves the plans in all contexts that have a cluster.
  void resolve();

  [[nodiscard]] const DesiredState::Plans& plans() const { return plans_; }  // for any context
  [[nodiscard]] const Wanted& wanted() const { return wanted_; }
  [[nodiscard]] const Undecided& undecided() const { return undecided_; }

  // Whether a target wants something in a context, or may have left something there.
  [[nodiscard]] bool needs(const std::string& context) const;
  // Whether a target pins a context.
  [[nodiscard]] bool is_pinned(const std::string& context) const;
  // A target as resolved for a context. Nothing while its own namespace there is uncertain: the kubeconfig, or a
  // target's file that no longer names any, may be partial.
  [[nodiscard]] std::optional<Target> meant_in(const Target& target, const std::string& context) const;
  // Whether it counts that a context does not match the target: its labels may have been read during a write.
  [[nodiscard]] bool labels_count(const Target& target, const std::string& context) const;

 private:
  // For a target that names no namespaces; nothing while it is uncertain.
  [[nodiscard]] std::optional<std::string> own_namespace(const Target& target, const std::string& context) const;

  const TargetSet& targets_;
  const ContextSet& contexts_;
  const FootprintKeeper& footprints_;
  KnownLogins known_logins_;  // the logins that plans_ were made from
  DesiredState::Plans plans_;
  Wanted wanted_;
  Undecided undecided_;
};

}  // namespace regsync
