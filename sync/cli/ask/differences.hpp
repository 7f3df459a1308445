// Computes what a sync would change in the clusters, without changing anything. One io_context thread.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/owner.hpp"
#include "sync/model/places.hpp"

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

// Which Secrets that are not regsync's a sync takes over: as Cluster::adopt() does.
enum class Adoption {
  none,
  lost,  // those that this user made on this machine under another owner id
  all,
};

// Where else than the plans say there may be Secrets, and what is known of their targets: see DesiredState.
struct DeletionScope {
  Places places = {};
  std::set<std::string> known_targets = {};
  std::set<std::string> forgotten = {};
  std::set<std::string> kept = {};
  std::set<std::string> uncertain = {};
  Places in_doubt = {};
  std::map<std::string, Places> bound = {};
  std::vector<DesiredState::Sibling> siblings = {};
  std::set<std::string> asked = {};    // only what concerns Secrets of these targets is told; empty: of all
  Adoption adoption = Adoption::none;  // for the targets that are asked for
};

// The other targets whose Secrets bear the name of one of these: one may have, or take over, a Secret of the other.
std::vector<Target> namesakes_of(const std::vector<Target>& targets, const TargetFiles& files);

// What regsync remembers of all contexts, read once.
struct RememberedState {
  FootprintStore footprints = known_footprints();
  ContextBook book{paths::contexts()};
};

// A context that no target has used yet may lead where one led that is gone: as far as its address tells.
void meet_contexts(const Target& target, const kube::Kubeconfig& kubeconfig, ContextBook& book);

// What these targets want through the other contexts of the kubeconfig that lead to the cluster of this one.
std::vector<DesiredState::Sibling> siblings_of(const std::string& context, const TargetFiles& targets,
                                               const kube::Kubeconfig& kubeconfig, const RememberedState& memory);

// Reads one cluster and adds what differs there from the plans, which are those of targets that select it.
// What a target no longer covers counts only where the target is among `scope.known_targets`.
asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, const RememberedState& memory, Differences& found,
                                       DeletionScope scope = {});

}  // namespace regsync::cli
