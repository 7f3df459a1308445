// Limiter bounds how many of something run at once; who comes later waits in turn.
//
// For one thread. Unlike an asio object it belongs to no io_context: callers on several, one after the other, share it.
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

  // Gives the turn back when it ends.
  class Turn;

  // Waits for a turn. Throws Error(cancelled) when the waiting coroutine is cancelled. The Limiter outlives its turns.
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

// A turn that is given back after some time at the latest: who takes longer waits for something, rather than keep this
// machine busy, and holds up nobody. Made and ended on the thread of the executor.
class ShortTurn {
 public:
  ShortTurn(const asio::any_io_executor& executor, std::unique_ptr<Limiter::Turn> turn, std::chrono::milliseconds most);
  ~ShortTurn() { *turn_ = nullptr; }
  ShortTurn(const ShortTurn&) = delete;
  ShortTurn& operator=(const ShortTurn&) = delete;
  ShortTurn(ShortTurn&&) = delete;
  ShortTurn& operator=(ShortTurn&&) = delete;

 private:
  std::shared_ptr<std::unique_ptr<Limiter::Turn>> turn_;  // with the timer's handler, which may come late
  asio::steady_timer timer_;
};

}  // namespace regsync
