// Service is what systemd starts: it answers on the control socket from its first moment on, and runs a Daemon as soon
// as the state folder can be used.
//
// A state folder that cannot be used (no room, no permission, something else in its place, another machine that shares
// it and runs regsyncd), or that has no owner id while the settings, which may name an owner, cannot be read either, is
// a problem that `status` shows; until it is mended nothing is written anywhere, because with another owner id every
// Secret would count as somebody else's. It is tried again by itself. Lives on the io_context thread.
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
  // Throws Error(already_exists) where another process keeps the clusters in sync.
  Service(asio::any_io_executor executor, DaemonOptions options);

  // Reads settings, targets and kubeconfig again (SIGHUP), or tries to begin.
  void reload();

  // Ends all work in flight and returns when nothing is left.
  asio::awaitable<void> stop();

 private:
  void begin();
  void begin_later();
  asio::awaitable<nlohmann::json> call(std::string method, nlohmann::json params);
  [[nodiscard]] nlohmann::json status(const StatusQuery& query);

  asio::any_io_executor executor_;
  DaemonOptions options_;
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::unique_ptr<Daemon> daemon_;  // null: held back
  std::optional<Error> held_;       // why
  asio::steady_timer retry_;
  bool stopping_ = false;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace regsync
