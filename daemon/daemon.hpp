// Daemon wires the sources (files, keyring, control requests) to the engine, and controls when each part starts and
// stops.
//
// Lives on the io_context thread. The engine makes all decisions; nothing here reads a Secret.
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
  std::optional<std::filesystem::path> kubeconfig;  // --kubeconfig; overrides the settings
  std::string owner;                                // --owner; overrides $REGSYNC_OWNER and the settings
  std::string listen;                               // --listen: the address of the page and the probes
  std::set<std::string> allowed_hosts;              // --allow-host: host names that clients may use for that address
  // --clusters, --clusters-namespace: Secrets in the hub list the clusters. The hub is the current context of the
  // kubeconfig, or the cluster of this pod.
  std::optional<ClusterSecretsScope> clusters;
  // --lease, --slots: of several replicas, only those that hold these Leases in the hub write. Empty: there is one
  // replica.
  std::string lease;
  std::size_t slots = 1;
  bool state_in_hub = false;  // --state configmaps: keep footprints in ConfigMaps of the hub; always set with a lease
  std::vector<std::filesystem::path> logins;  // --logins; if set, replaces the keyring and the setting loginFiles
  int control_socket = -1;                    // the descriptor, if systemd made the socket (sd_listen_fds(3))
};

class Daemon {
 public:
  // Reads all inputs and starts. on_change is called when the status changed.
  Daemon(asio::any_io_executor executor, DaemonOptions options, std::unique_ptr<StateFolder> state,
         std::function<void()> on_change);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  Daemon(Daemon&&) = delete;
  Daemon& operator=(Daemon&&) = delete;

  // Reads settings, targets and kubeconfig again (SIGHUP, a changed file).
  void reload();

  // Executes any control request (sync/control/requests.hpp) except `status` and `subscribe`. Throws Error.
  asio::awaitable<nlohmann::json> call(std::string method, nlohmann::json params);
  // Returns the requested status: of some targets or all, in rows or as a summary.
  [[nodiscard]] nlohmann::json status(const StatusQuery& query);

  // Cancels all work in progress and returns when it has ended.
  asio::awaitable<void> stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
