// Service is the part of regsyncd that systemd starts. It serves the control socket from the start, and runs a Daemon
// as soon as the state folder is usable.
//
// The state folder is unusable if there is no room or permission, if something else is in its place, or if another
// machine shares it and runs regsyncd; also if it has no owner id while the settings, which may name an owner, cannot
// be read. `status` shows the problem, and nothing is written to any cluster until it is fixed, because with another
// owner id every Secret would seem to belong to somebody else. The Service retries by itself. Lives on the io_context
// thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "daemon/control_server.hpp"
#include "daemon/daemon.hpp"
#include "helper/base/error.hpp"

namespace regsync {

class Service {
 public:
  // Throws Error(already_exists) if another process already keeps the clusters in sync.
  Service(asio::any_io_executor executor, DaemonOptions options);

  // Reads settings, targets and kubeconfig again (SIGHUP), or tries to start the Daemon.
  void reload();

  // Cancels all work in progress and returns when it has ended.
  asio::awaitable<void> stop();

 private:
  void begin();
  void begin_later();
  asio::awaitable<nlohmann::json> call(std::string method, nlohmann::json params);
  [[nodiscard]] nlohmann::json status(const StatusQuery& query);

  asio::any_io_executor executor_;
  DaemonOptions options_;
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::unique_ptr<Daemon> daemon_;  // null: not started yet
  std::optional<Error> held_;       // why the Daemon is not started
  asio::steady_timer retry_;
  bool stopping_ = false;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace regsync
