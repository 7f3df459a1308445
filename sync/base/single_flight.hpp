// SingleFlight runs something costly once at a time and shares the result with all callers that arrive meanwhile (Go:
// x/sync/singleflight).
//
// One io_context thread. Must outlive its callers.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"

namespace regsync {

// T is copied to each caller.
template <typename T>
class SingleFlight {
 public:
  // Runs `work`, or, if a run is in progress, waits for it and shares its result or its Error. If the caller whose
  // `work` runs is cancelled, one of the waiting callers runs its own. Throws Error(cancelled) to a caller that is
  // cancelled itself.
  asio::awaitable<T> run(std::function<asio::awaitable<T>()> work) {
    while (const std::shared_ptr<Flight> flight = flight_) {
      while (!flight->landed) {
        co_await flight->news.wait();
      }
      if (flight->failure) {
        throw Error(*flight->failure);
      }
      if (flight->result) {
        co_return *flight->result;
      }
    }
    const auto flight = std::make_shared<Flight>(co_await asio::this_coro::executor);
    flight_ = flight;
    const std::shared_ptr<void> landing(nullptr, [this, flight](void*) {
      flight_.reset();
      flight->landed = true;
      flight->news.notify_all();
    });
    try {
      flight->result = co_await work();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) {
        flight->failure = error;
      }
      throw;
    }
    co_return *flight->result;
  }

 private:
  struct Flight {
    explicit Flight(const asio::any_io_executor& executor) : news(executor) {}
    AsyncEvent news;
    std::optional<T> result;
    std::optional<Error> failure;
    bool landed = false;
  };

  std::shared_ptr<Flight> flight_;  // null: nothing runs
};

}  // namespace regsync
