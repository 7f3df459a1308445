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
  nlohmann::json before;  // masked; null where there is no such object
  nlohmann::json after;   // masked; null where it would be deleted
  // Of a Secret that is not regsync's and would be taken over: whose it is, as in "written by kubectl-create".
  std::string taken_over = {};
};

struct Differences {
  std::vector<Difference> changes;
  std::vector<PlacedProblem> obstacles;  // what a sync could not do, or leaves behind and a person should know
  bool stuck = false;                    // an obstacle keeps something from being in sync
};

// What a cluster is compared with, beside the plans.
struct CompareWith {
  Places leftovers = {};  // where else than the plans say there may be Secrets, which are deleted or released
  DeletionScope deletion = {};
  std::vector<DesiredState::Sibling> siblings = {};
  std::set<std::string> asked = {};    // only what concerns Secrets of these targets is told; empty: of all
  Adoption adoption = Adoption::none;  // for the targets that are asked for
};

// What regsync remembers of all contexts, read once.
struct RememberedState {
  FootprintStore footprints = known_footprints();
  ContextBook book{paths::contexts()};
};

// Why regsyncd would make nothing for the target in a context.
std::optional<Hold> hold_of(const Target& target, const std::string& context, const RememberedState& memory);

// Reads one cluster and adds what differs there from the plans, which are those of targets that select it.
asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, const RememberedState& memory, Differences& found,
                                       CompareWith with = {});

}  // namespace regsync::cli
