// Computes what a sync would change in the clusters, without changing anything. One io_context thread.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/deletion_rule.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/deletion_scope.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/owner.hpp"
#include "sync/model/places.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync::cli {

enum class DifferenceKind { secret, service_account };

struct Difference {
  std::string context;
  std::string name_space;
  DifferenceKind kind = DifferenceKind::secret;
  std::string name;
  nlohmann::json before;  // masked; null if there is no such object
  nlohmann::json after;   // masked; null if it would be deleted
  // For a Secret of somebody else that would be taken over: its owner, such as "written by kubectl-create".
  std::string taken_over = {};
};

struct Differences {
  std::vector<Difference> changes;
  std::vector<PlacedProblem> obstacles;  // what a sync could not do, or leaves behind, for a person to know
  bool stuck = false;                    // an obstacle keeps something from being in sync
};

// What a cluster is compared with, besides the plans.
struct CompareWith {
  Places leftovers = {};  // further places of Secrets that a sync deletes or releases
  DeletionScope deletion = {};
  std::vector<DesiredState::Sibling> siblings = {};
  std::set<std::string> asked = {};    // report only differences in Secrets of these targets; empty: of all
  Adoption adoption = Adoption::none;  // for the requested targets
};

// What regsync remembers of all contexts, read once.
struct RememberedState {
  FootprintStore footprints = known_footprints();
  ContextBook book{paths::contexts()};
};

// Returns why regsyncd would make nothing for the target in a context.
std::optional<Hold> hold_of(const Target& target, const std::string& context, const RememberedState& memory);

// Reads one cluster and adds its differences from the plans, which are those of the targets that select it.
asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, const RememberedState& memory, Differences& found,
                                       CompareWith with = {});

}  // namespace regsync::cli
