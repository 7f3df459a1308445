// Lets coroutines wait for a time, or for AsyncEvent::notify_all(). One io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>

namespace regsync {

// Throws Error(cancelled) when the waiting coroutine is cancelled.
asio::awaitable<void> sleep_for(std::chrono::steady_clock::duration time);

// An event that any number of coroutines wait for. Must outlive its waiters.
class AsyncEvent {
 public:
  explicit AsyncEvent(const asio::any_io_executor& executor)
      : timer_(executor, asio::steady_timer::time_point::max()) {}

  // Wakes all current waiters.
  void notify_all() { timer_.cancel(); }

  // Returns at the next notify_all(): check your condition in a loop. Throws Error(cancelled) when the waiting
  // coroutine itself is cancelled.
  asio::awaitable<void> wait();

  // The same with a time limit; false if the time ran out.
  asio::awaitable<bool> wait_for(std::chrono::steady_clock::duration timeout);

  // Waits until is_over(), which is checked now and after each notify_all(), or until the deadline.
  template <typename Condition>
  asio::awaitable<void> wait_until(Condition is_over, std::chrono::steady_clock::time_point deadline) {
    while (!is_over() && std::chrono::steady_clock::now() < deadline) {
      co_await wait_for(deadline - std::chrono::steady_clock::now());
    }
  }

 private:
  asio::steady_timer timer_;
};

}  // namespace regsync
