// Listens on an address for as long as it is asked to: a port that another program has is tried again.
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
  // on_change: problem() is another one, by itself.
  Listener(const asio::any_io_executor& executor, HttpServer::Handler handler, std::function<void()> on_change);

  // Empty: on none.
  void listen(const std::string& address);
  // Listens no more; the requests that have come get their answer.
  void close();

  [[nodiscard]] int port() const { return server_ ? server_->port() : 0; }
  // Why it does not listen now; nothing else depends on it.
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
  std::optional<asio::thread_pool> ending_;  // one thread, on which the servers before end, one after the other
};

}  // namespace regsync
