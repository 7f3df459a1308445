// Daemon wires the sources (files, keyring, control requests) to the engine, and owns when things begin and end.
//
// Lives on the io_context thread. What is decided, is decided in the engine; nothing here looks at a Secret.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/state_folder.hpp"
#include "sync/fleet/cluster_secrets.hpp"
#include "sync/model/status_query.hpp"

namespace regsync {

struct DaemonOptions {
  std::optional<std::filesystem::path> kubeconfig;  // --kubeconfig; wins over the settings
  std::string owner;                                // --owner; wins over $REGSYNC_OWNER and the settings
  std::string listen;                               // --listen: where the page and the probes are served
  std::set<std::string> allowed_hosts;              // --allow-host: names by which clients may call that
  // --clusters, --clusters-namespace: the clusters are those of Secrets in the hub, which is the current context of the
  // kubeconfig, or the cluster of this pod.
  std::optional<ClusterSecretsScope> clusters;
  // --lease, --slots: of several replicas, those that hold these Leases of the hub write; empty: this is the only one.
  std::string lease;
  std::size_t slots = 1;
  bool state_in_hub = false;  // --state configmaps: footprints are kept in ConfigMaps of the hub; always with a lease
  std::vector<std::filesystem::path> logins;  // --logins; not empty: no keyring, and no loginFiles of the settings
  int control_socket = -1;                    // its descriptor, where systemd made it (sd_listen_fds(3))
};

class Daemon {
 public:
  // Reads everything and begins. on_change: the status changed.
  Daemon(asio::any_io_executor executor, DaemonOptions options, std::unique_ptr<StateFolder> state,
         std::function<void()> on_change);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  Daemon(Daemon&&) = delete;
  Daemon& operator=(Daemon&&) = delete;

  // Reads settings, targets and kubeconfig again (SIGHUP, a changed file).
  void reload();

  // Answers a control request (sync/control/requests.hpp) other than `status`. Throws Error.
  asio::awaitable<nlohmann::json> call(std::string method, nlohmann::json params);
  // The status that was asked for: of a target or of all, in rows or as a summary.
  [[nodiscard]] nlohmann::json status(const StatusQuery& query);

  // Ends all work in flight and returns when nothing is left.
  asio::awaitable<void> stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
