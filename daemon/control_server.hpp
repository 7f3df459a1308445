// The Unix socket on which `regsync` talks to regsyncd: lines of JSON-RPC 2.0 (sync/control/messages.hpp).
//
// Only the same user (SO_PEERCRED) gets an answer. The socket comes from systemd (sd_listen_fds(3)), or is made here,
// 0600, and removed at the end, also where that of systemd has lost its path; where it cannot be made, that is logged
// and tried again. Nothing that a client sends, or does not read, ends more than its own connection. Lives on the
// io_context thread; each connection is a coroutine.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/local/stream_protocol.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sync/base/async_event.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

class ControlServer {
 public:
  struct Methods {
    // Answers a request; throws Error for one that cannot be answered.
    std::function<asio::awaitable<nlohmann::json>(std::string method, nlohmann::json params)> call;
    std::function<nlohmann::json(const nlohmann::json& params)> status;  // for `subscribe`
  };

  // inherited: the descriptor of the socket, where systemd made it; else -1.
  ControlServer(asio::any_io_executor executor, const std::filesystem::path& socket, int inherited, Methods methods);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ControlServer(ControlServer&&) = delete;
  ControlServer& operator=(ControlServer&&) = delete;

  // Tells the subscribers; many calls in a short time become one message.
  void status_changed();

  // Closes every connection; what they asked for may go on.
  void close();
  // Closes, and returns when the coroutines of all connections have ended.
  asio::awaitable<void> stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
