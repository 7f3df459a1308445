// The `regsync` side of the control socket: blocking calls, for a command that a person runs. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "sync/model/status_query.hpp"

namespace regsync {

class ControlClient {
 public:
  // Throws Error(daemon_unreachable), with the remedy, where nobody listens, and Error(not_owned) where another user
  // does.
  explicit ControlClient(const std::filesystem::path& socket);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;
  ControlClient(ControlClient&&) = delete;
  ControlClient& operator=(ControlClient&&) = delete;

  // One request and its answer. Throws the daemon's Error as it is, Error(timeout), Error(protocol), or
  // Error(daemon_unreachable) when the daemon hangs up.
  nlohmann::json call(std::string_view method, const nlohmann::json& params, std::chrono::milliseconds timeout);

  // Calls `subscribe`, then on_report for the first report and each change, until on_report answers false. While
  // nothing changes the last report is given again every `repeat` (so that a view can count seconds); 0: never.
  // It is given again too whenever `input`, a file descriptor or -1, can be read. Returns early, as if on_report had
  // answered false, when a signal interrupts the wait: no signal is blocked there, so that who blocks it everywhere
  // else misses none (ppoll(2)). first_answer: how long the first report may take. Throws as call does, also when the
  // daemon stays stopped: a last state must not pass for the present one.
  void subscribe(const StatusQuery& query, std::chrono::milliseconds repeat,
                 const std::function<bool(const StatusReport&)>& on_report, int input = -1,
                 std::chrono::milliseconds first_answer = std::chrono::seconds(10));

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
