// What a sync would change in the clusters, found out without changing anything.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sync/kube/api/kube_client.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/owner.hpp"

namespace regsync::cli {

struct Difference {
  std::string context;
  std::string name_space;
  std::string secret;
  nlohmann::json before;  // masked; null where there is no Secret
  nlohmann::json after;   // masked; null where it would be deleted
};

// Where a sync could not do what it should.
struct Obstacle {
  std::string place;  // context/namespace
  Error error;
};

struct Differences {
  std::vector<Difference> changes;
  std::vector<Obstacle> obstacles;
};

// Reads one cluster and adds what differs there from the plans, which are those of targets that select it.
asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, Differences& found);

}  // namespace regsync::cli
