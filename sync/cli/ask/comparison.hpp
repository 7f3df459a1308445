// Compares all clusters with their desired state, for commands that show what a sync would change. The engine's own
// rules decide (DesiredState, deletion_rule.hpp). The facts are gathered here, without those that depend on what
// happened since regsyncd started: every file counts as completely written.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sync/cli/ask/differences.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/owner.hpp"

namespace regsync::cli {

struct Inputs {
  const kube::Kubeconfig& kubeconfig;
  const RememberedState& memory;
  Owner owner = {};
  TargetFiles files = {};                            // of all targets
  std::map<std::string, Footprint> footprints = {};  // by target: those of `memory`, or as they are after a change
  DesiredState::Plans plans = {};                    // of the requested targets and their namesakes
  std::set<std::string> asked = {};    // report only differences in Secrets of these targets; empty: of all
  Adoption adoption = Adoption::none;  // for the requested targets
};

// Returns the other targets that may own, or take over, a Secret of one of these: those whose Secrets have the name of
// a Secret that it wants, or may have left somewhere.
std::vector<Target> namesakes_of(const std::vector<Target>& targets, const TargetFiles& files,
                                 const std::map<std::string, Footprint>& footprints);

// Records the target's contexts in the book: a context that no target has used yet may lead to the same cluster as one
// that is gone, as far as its address shows.
void meet_contexts(const Target& target, const kube::Kubeconfig& kubeconfig, ContextBook& book);

// Returns the inputs for one context, besides the plans.
CompareWith compare_with(const Inputs& inputs, const std::string& context);

// Returns the contexts that may hold Secrets that targets left behind and that a sync deletes or releases.
std::set<std::string> contexts_with_leftovers(const Inputs& inputs);

// Removes the paused contexts from the set and returns them.
std::set<std::string> take_out_paused(std::set<std::string>& contexts);

// Reads the clusters of these contexts, concurrently. on_error gets each context that could not be read within `time`.
Differences compare_all(const Inputs& inputs, const std::set<std::string>& contexts, std::chrono::milliseconds time,
                        const std::function<void(const std::string& context, const Error& error)>& on_error);

}  // namespace regsync::cli
