// How the engine's state reads for a person: targets, contexts and rows of a StatusReport. Only reads.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/cluster/cluster.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

struct EngineState {
  const TargetFiles& targets;
  const DesiredState::Plans& plans;
  const std::vector<std::string>& contexts;  // of the kubeconfig
  const std::optional<Error>& kubeconfig_problem;
  const std::map<std::string, Error>& context_problems;
  const std::map<std::string, std::shared_ptr<Cluster>>& clusters;
  const std::map<std::string, Footprint>& footprints;
  WallTime started;
};

// What is said of a context that a target names and the kubeconfig has not.
Error context_vanished(const std::string& context);

// Of one target, or of all.
void add_state(const EngineState& state, const std::optional<std::string>& only, StatusReport& report);

}  // namespace regsync
