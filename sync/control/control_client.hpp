// ControlClient is the `regsync` side of the control socket: blocking calls for a command. Use it from one thread.
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
  // Throws Error(daemon_unreachable), with a remedy, if nothing listens on the socket, and Error(not_owned) if another
  // user's process does.
  explicit ControlClient(const std::filesystem::path& socket);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;
  ControlClient(ControlClient&&) = delete;
  ControlClient& operator=(ControlClient&&) = delete;

  // Sends one request and returns its result. Rethrows the daemon's Error unchanged; also throws Error(timeout),
  // Error(protocol), or Error(daemon_unreachable) when the daemon hangs up.
  nlohmann::json call(std::string_view method, const nlohmann::json& params, std::chrono::milliseconds timeout);

  // Sends `subscribe` and calls on_report for the first report and for each change, until on_report returns false. Also
  // repeats the last report every `repeat` while nothing changes (so that a view can count seconds; 0: never), and
  // whenever `input`, a file descriptor or -1, becomes readable. Returns early, without an error, when a signal
  // interrupts the wait: the wait unblocks all signals (ppoll(2)), so a caller that blocks them everywhere else misses
  // none. first_answer limits the wait for the first report. Throws as call does, and also when the daemon stays
  // stopped (SIGSTOP): an old state must not pass for the present one.
  void subscribe(const StatusQuery& query, std::chrono::milliseconds repeat,
                 const std::function<bool(const StatusReport&)>& on_report, int input = -1,
                 std::chrono::milliseconds first_answer = std::chrono::seconds(10));

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
