// A bound on how many of something run at once; who comes later waits in turn.
//
// For one thread. Unlike an asio object it belongs to no io_context: callers on several, one after the other, share it.
#pragma once

#include <asio/awaitable.hpp>
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

}  // namespace regsync
