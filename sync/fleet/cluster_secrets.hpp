// ClusterSecrets reads the clusters of a fleet from Secrets of a hub: it lists and watches them by label selector, and
// passes them on as one Kubeconfig whenever a cluster's Secret is added, changed or deleted.
//
// A Secret that cannot be parsed is a problem of its own context, whose last good version stays in force (ContextSet).
// If the Secrets may be in any namespace, no exec plugin is run for them. While the hub cannot be reached, nothing
// changes. Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "sync/base/coalesced_call.hpp"
#include "sync/fleet/hub_watch.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/api/watcher.hpp"
#include "sync/kube/config/kubeconfig.hpp"

namespace regsync {

struct ClusterSecretsScope {
  std::string selector;    // a label selector in the API server's syntax
  std::string name_space;  // empty: all
};

class ClusterSecrets {
 public:
  struct Handlers {
    std::function<void(kube::Kubeconfig)> on_clusters;  // all clusters; first called when the first list is complete
    std::function<void(Error)> on_problem;              // they cannot be listed or watched now
  };

  // hub: holds the Secrets; must outlive this.
  ClusterSecrets(asio::any_io_executor executor, kube::KubeClient& hub, const ClusterSecretsScope& scope,
                 Handlers handlers);
  ~ClusterSecrets();
  ClusterSecrets(const ClusterSecrets&) = delete;
  ClusterSecrets& operator=(const ClusterSecrets&) = delete;
  ClusterSecrets(ClusterSecrets&&) = delete;
  ClusterSecrets& operator=(ClusterSecrets&&) = delete;

  asio::awaitable<void> stop();

 private:
  using Clusters = std::map<std::string, std::shared_ptr<const kube::KnownCluster>>;

  void on_event(const kube::WatchEvent& event);
  void on_health(const std::optional<Error>& problem);
  void tell();

  asio::any_io_executor executor_;
  Handlers handlers_;
  std::string source_;      // for messages
  std::string name_space_;  // empty: all, and so no exec plugin is run
  Clusters clusters_;
  std::optional<Clusters> listing_;  // while a list is in progress: its Secrets so far
  bool synced_ = false;              // a list has completed
  std::optional<Error> problem_;     // of the last try
  CoalescedCall telling_;
  HubWatch watch_;
};

}  // namespace regsync
