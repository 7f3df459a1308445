// Hub is the cluster that describes a fleet, as this daemon uses it: Secrets of it describe the clusters, and it keeps
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
    std::optional<ClusterSecretsScope> clusters;  // nothing: they are not taken from the hub
    bool keeps_state = false;
    bool owner_is_named = false;     // by a person: all replicas have the same one
    FleetMemberOptions member = {};  // where it keeps state
  };

  // kubeconfig: reads the one in force. Where the hub keeps the state, throws what that throws, and
  // Error(invalid_input) where its owner cannot be that of several replicas.
  Hub(asio::any_io_executor executor, Options options, std::function<kube::Kubeconfig()> kubeconfig,
      FleetMember::Handlers handlers);

  // Null: it keeps no state in the hub.
  [[nodiscard]] FleetMember* member() { return member_.get(); }
  [[nodiscard]] const FleetMember* member() const { return member_.get(); }

  [[nodiscard]] bool describes_clusters() const { return options_.clusters.has_value(); }
  // Begins to follow the clusters' Secrets; false where it has begun before. No handler is called before it returns.
  // Throws where the kubeconfig is unusable.
  bool follow_clusters(ClusterSecrets::Handlers handlers);

  // Reads the kubeconfig again: other credentials of the hub are used from the next request on (a token in the
  // kubeconfig is rotated there). Throws where it is unusable or names another hub; the one in use stays so.
  void refresh();
  // A person asks to try again: KubeClient::end_pause.
  void end_pause();

  // In this order: nothing may be written to a cluster any more when the member's part ends.
  asio::awaitable<void> stop_clusters();
  asio::awaitable<void> stop_member();

 private:
  [[nodiscard]] kube::ResolvedContext context() const;

  asio::any_io_executor executor_;
  Options options_;
  std::function<kube::Kubeconfig()> kubeconfig_;
  std::optional<kube::ResolvedContext> in_use_;  // nothing: no hub is used
  std::unique_ptr<FleetMember> member_;
  std::unique_ptr<kube::KubeClient> client_;
  std::unique_ptr<ClusterSecrets> clusters_;
};

}  // namespace regsync
