// Computes what a sync would change in the clusters, without changing anything.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sync/kube/api/kube_client.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/owner.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {

struct Difference {
  std::string context;
  std::string name_space;
  std::string secret;
  nlohmann::json before;  // masked; null where there is no Secret
  nlohmann::json after;   // masked; null where it would be deleted
};

// Where a sync could not do what it should, or leaves something behind that a person should know.
struct Obstacle {
  std::string place;  // context/namespace
  Error error;
};

struct Differences {
  std::vector<Difference> changes;
  std::vector<Obstacle> obstacles;
};

// Where else than the plans say a target may have Secrets, which it no longer covers.
struct Left {
  Places places;
  std::string target;  // its name; empty: nothing is left
};

// Reads one cluster and adds what differs there from the plans, which are those of targets that select it.
asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, Differences& found, Left left = {});

}  // namespace regsync::cli
