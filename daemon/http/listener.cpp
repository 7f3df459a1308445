#include "daemon/http/listener.hpp"

#include <asio/post.hpp>
#include <chrono>
#include <utility>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

// Another program's port may be free again after this.
constexpr auto listen_again = std::chrono::seconds(10);

}  // namespace

Listener::Listener(const asio::any_io_executor& executor, HttpServer::Handler handler, std::function<void()> on_change)
    : handler_(std::move(handler)),
      on_change_(std::move(on_change)),
      again_(executor, listen_again, "listening", [this] { try_again(); }) {}

void Listener::listen(const std::string& address) {
  if (address != address_) {
    close();
    address_ = address;
  }
  try_to();
}

void Listener::close() {
  if (server_) {
    // Not on this thread: the destructor waits for requests, which wait for the event loop.
    if (!ending_) {
      ending_.emplace(1);
    }
    asio::post(*ending_, [server = std::move(server_)]() mutable { server.reset(); });
  }
  address_.clear();
  problem_.reset();
}

void Listener::try_again() {
  const auto before = problem_;
  try_to();
  if (problem_ != before) {
    on_change_();
  }
}

void Listener::try_to() {
  if (server_ || address_.empty()) {
    return;
  }
  auto problem = guarded([&] { server_ = std::make_unique<HttpServer>(address_, handler_); });
  if (problem) {
    again_.ask();
  } else {
    const auto host = address_.substr(0, address_.rfind(':'));
    log::info("serving HTTP on " + (host.empty() ? "all addresses, port " : host + ":") + std::to_string(port()));
  }
  if (problem && problem != problem_) {
    log::warning(describe(*problem));
  }
  problem_ = std::move(problem);
}

}  // namespace regsync
