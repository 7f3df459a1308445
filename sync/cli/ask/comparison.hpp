// Compares all clusters with what is wanted of them, for commands that show what a sync would change. The engine's own
// rules decide (DesiredState, deletion_rule.hpp); the facts are gathered here, as far as they do not depend on what
// happened since regsyncd started: every file is taken to be whole.
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
  std::map<std::string, Footprint> footprints = {};  // by target: those of `memory`, or as a change leaves them
  DesiredState::Plans plans = {};                    // of the targets in question, and of their namesakes
  std::set<std::string> asked = {};                  // only what concerns Secrets of these is told; empty: of all
  Adoption adoption = Adoption::none;                // for the targets that are asked for
};

// The other targets that may have, or take over, a Secret of one of these: theirs bear the name of one that it wants,
// or may have left somewhere.
std::vector<Target> namesakes_of(const std::vector<Target>& targets, const TargetFiles& files,
                                 const std::map<std::string, Footprint>& footprints);

// A context that no target has used yet may lead where one led that is gone: as far as its address tells.
void meet_contexts(const Target& target, const kube::Kubeconfig& kubeconfig, ContextBook& book);

// What decides about one context, beside the plans.
CompareWith compare_with(const Inputs& inputs, const std::string& context);

// The contexts where Secrets may be found that targets left, and that are deleted or released.
std::set<std::string> contexts_with_leftovers(const Inputs& inputs);

// Takes the paused contexts out of these, and returns them.
std::set<std::string> take_out_paused(std::set<std::string>& contexts);

// Reads the clusters of these contexts, all at the same time. on_error: of a context that could not be read within
// `time`.
Differences compare_all(const Inputs& inputs, const std::set<std::string>& contexts, std::chrono::milliseconds time,
                        const std::function<void(const std::string& context, const Error& error)>& on_error);

}  // namespace regsync::cli
