// Listener runs an HttpServer on an address until it is closed, and retries while another program has the port.
//
// Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/http/http_server.hpp"
#include "helper/base/error.hpp"
#include "sync/base/coalesced_call.hpp"

namespace regsync {

class Listener {
 public:
  // on_change is called when a retry changes problem().
  Listener(const asio::any_io_executor& executor, HttpServer::Handler handler, std::function<void()> on_change);

  // An empty address: stops listening.
  void listen(const std::string& address);
  // Stops listening. Requests in progress still get their answers.
  void close();

  [[nodiscard]] int port() const { return server_ ? server_->port() : 0; }
  // Why it does not listen now. Nothing else depends on that.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  void try_to();
  void try_again();

  HttpServer::Handler handler_;
  std::function<void()> on_change_;
  CoalescedCall again_;
  std::string address_;
  std::optional<Error> problem_;
  std::unique_ptr<HttpServer> server_;
  std::optional<asio::thread_pool> ending_;  // one thread that destroys the previous servers in turn
};

}  // namespace regsync
