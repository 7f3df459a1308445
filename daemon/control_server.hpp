// ControlServer serves the Unix socket on which `regsync` talks to regsyncd: lines of JSON-RPC 2.0
// (sync/control/messages.hpp).
//
// It answers only processes of the same user (SO_PEERCRED). The socket comes from systemd (sd_listen_fds(3)), or is
// made here with mode 0600 and removed at the end; it is also made here if systemd's socket has lost its path. If it
// cannot be made, the error is logged and retried. A client that sends bad data, or does not read, can end only its own
// connection. Lives on the io_context thread; each connection is a coroutine.
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
    // Returns the result of a request; throws Error if the request fails.
    std::function<asio::awaitable<nlohmann::json>(std::string method, nlohmann::json params)> call;
    std::function<nlohmann::json(const nlohmann::json& params)> status;  // for `subscribe`
  };

  // inherited: the descriptor of the socket that systemd made, or -1.
  ControlServer(asio::any_io_executor executor, const std::filesystem::path& socket, int inherited, Methods methods);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ControlServer(ControlServer&&) = delete;
  ControlServer& operator=(ControlServer&&) = delete;

  // Notifies the subscribers. Many calls in a short time become one message.
  void status_changed();

  // Closes every connection. Requests in progress may continue.
  void close();
  // Calls close() and returns when the coroutines of all connections have ended.
  asio::awaitable<void> stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
