// TimeSlice divides long work on the event loop, so that other handlers run in between.
//
//   TimeSlice slice;
//   for (…) {
//     …
//     if (slice.is_over()) { co_await slice.hand_over(); }
//   }
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>

namespace regsync {

class TimeSlice {
 public:
  [[nodiscard]] bool is_over() const { return std::chrono::steady_clock::now() >= end_; }

  // Lets the loop run due handlers, then begins the next slice. Throws Error(cancelled) when the coroutine is
  // cancelled.
  asio::awaitable<void> hand_over();

 private:
  // Far below what a user notices, far above the cost of a turn of the loop.
  static constexpr std::chrono::milliseconds length{10};

  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + length;
};

}  // namespace regsync
