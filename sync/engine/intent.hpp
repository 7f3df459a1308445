// Intent is what the targets mean: a plan for each target, and for each context the target with its own namespace
// resolved. Nothing of what is in the clusters is in it.
//
// Only derives, from parts that outlive it; the Engine owns it and says when. Lives on the io_context thread.
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

// By target: the contexts of which it is not certain yet which namespaces it means there.
using Undecided = std::map<std::string, std::set<std::string>>;

class Intent {
 public:
  Intent(const TargetSet& targets, const ContextSet& contexts, const FootprintKeeper& footprints)
      : targets_(targets), contexts_(contexts), footprints_(footprints) {}

  // Makes the plans, with these logins: anew where a target or one of its logins is another one. A plan that is equal
  // stays the same object, so that clusters are not told of it again.
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
  // A target as it is meant in a context. Nothing while it is not certain which namespace is its own there: the
  // kubeconfig, or a target's file that names none any more, may be torn.
  [[nodiscard]] std::optional<Target> meant_in(const Target& target, const std::string& context) const;
  // Whether it counts that a context does not match the target: its labels may have been read while they were written.
  [[nodiscard]] bool labels_count(const Target& target, const std::string& context) const;

 private:
  // Of a target that names no namespaces; nothing while it is not certain.
  [[nodiscard]] std::optional<std::string> own_namespace(const Target& target, const std::string& context) const;

  const TargetSet& targets_;
  const ContextSet& contexts_;
  const FootprintKeeper& footprints_;
  KnownLogins known_logins_;  // that plans_ were made of
  DesiredState::Plans plans_;
  Wanted wanted_;
  Undecided undecided_;
};

}  // namespace regsync
