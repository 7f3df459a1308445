// Limiter bounds how many coroutines do something at once; later ones wait in order.
//
// For one thread. Unlike an asio object it belongs to no io_context: callers on several io_contexts may share it, one
// after the other.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>

namespace regsync {

class Limiter {
 public:
  explicit Limiter(std::size_t most) : free_(most) {}

  // Returns the turn when destroyed.
  class Turn;

  // Waits for a turn. Throws Error(cancelled) when the waiting coroutine is cancelled. The Limiter must outlive its
  // turns.
  asio::awaitable<std::unique_ptr<Turn>> enter();

 private:
  struct Waiter;

  void leave();

  std::size_t free_;
  std::list<Waiter*> waiting_;  // each in the frame of its coroutine
};

class Limiter::Turn {
 public:
  explicit Turn(Limiter& limiter) : limiter_(limiter) {}
  ~Turn() { limiter_.leave(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  Turn(Turn&&) = delete;
  Turn& operator=(Turn&&) = delete;

 private:
  Limiter& limiter_;
};

// A turn that is returned after `most` at the latest: work that takes longer is presumably waiting and not using this
// machine's processors, so it must not hold up others. Created and destroyed on the executor's thread.
class ShortTurn {
 public:
  ShortTurn(const asio::any_io_executor& executor, std::unique_ptr<Limiter::Turn> turn, std::chrono::milliseconds most);
  ~ShortTurn() { *turn_ = nullptr; }
  ShortTurn(const ShortTurn&) = delete;
  ShortTurn& operator=(const ShortTurn&) = delete;
  ShortTurn(ShortTurn&&) = delete;
  ShortTurn& operator=(ShortTurn&&) = delete;

 private:
  std::shared_ptr<std::unique_ptr<Limiter::Turn>> turn_;  // shared with the timer's handler, which may run late
  asio::steady_timer timer_;
};

}  // namespace regsync
