// Hub is this daemon's access to the cluster that describes a fleet: its Secrets describe the clusters, and it stores
// the state that replicas share. Either use is optional.
//
// The hub is the current context of the kubeconfig, or the cluster of this pod. Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "helper/base/error.hpp"
#include "sync/fleet/cluster_secrets.hpp"
#include "sync/fleet/fleet_member.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/kube/config/resolved_context.hpp"

namespace regsync {

class Hub {
 public:
  struct Options {
    std::optional<ClusterSecretsScope> clusters;  // nullopt: the hub does not describe the clusters
    bool keeps_state = false;
    bool owner_is_named = false;     // a person chose the owner, so all replicas have the same one
    FleetMemberOptions member = {};  // used if keeps_state
  };

  // kubeconfig reads the configured kubeconfig. If the hub keeps the state, rethrows what kubeconfig throws, and throws
  // Error(invalid_input) if several replicas cannot share the owner.
  Hub(asio::any_io_executor executor, Options options, std::function<kube::Kubeconfig()> kubeconfig,
      FleetMember::Handlers handlers);

  // Null if the hub keeps no state.
  [[nodiscard]] FleetMember* member() { return member_.get(); }
  [[nodiscard]] const FleetMember* member() const { return member_.get(); }

  [[nodiscard]] bool describes_clusters() const { return options_.clusters.has_value(); }
  // Starts to follow the clusters' Secrets; returns false if it already does, or if the hub describes no clusters.
  // Calls no handler before it returns. Throws if the kubeconfig is unusable.
  bool follow_clusters(ClusterSecrets::Handlers handlers);

  // Reads the kubeconfig again and uses new credentials of the hub from the next request on (for a rotated token).
  // Throws if the kubeconfig is unusable, names another hub, or changes the connection in another way; the hub then
  // stays as it is.
  void refresh();
  // Retries at once on a person's request: see KubeClient::end_pause.
  void end_pause();

  // Call stop_clusters() first, and stop_member() only after the last write to any cluster.
  asio::awaitable<void> stop_clusters();
  asio::awaitable<void> stop_member();

 private:
  [[nodiscard]] kube::ResolvedContext context() const;

  asio::any_io_executor executor_;
  Options options_;
  std::function<kube::Kubeconfig()> kubeconfig_;
  std::optional<kube::ResolvedContext> in_use_;  // nullopt: no hub is used
  std::unique_ptr<FleetMember> member_;
  std::unique_ptr<kube::KubeClient> client_;
  std::unique_ptr<ClusterSecrets> clusters_;
};

}  // namespace regsync
