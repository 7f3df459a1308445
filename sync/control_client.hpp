// The `regsync` side of the control socket: blocking calls, for a command that a person runs.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "sync/status.hpp"

namespace regsync {

class ControlClient {
 public:
  // Throws Error(daemon_unreachable), with the remedy, where nobody listens.
  explicit ControlClient(const std::filesystem::path& socket);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;
  ControlClient(ControlClient&&) = delete;
  ControlClient& operator=(ControlClient&&) = delete;

  // One request and its answer. Throws the daemon's Error as it is, Error(timeout), or Error(daemon_unreachable).
  nlohmann::json call(std::string_view method, const nlohmann::json& params, std::chrono::milliseconds timeout);

  // Calls `subscribe`, then on_report for the first report and each change, until on_report answers false.
  void subscribe(const nlohmann::json& params, const std::function<bool(const StatusReport&)>& on_report);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
