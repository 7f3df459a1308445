// A timer that includes the time that the machine sleeps (timerfd, CLOCK_BOOTTIME): what expires on a server's clock
// also expires while a laptop's lid is closed. asio::steady_timer does not include it. One io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <chrono>

namespace regsync {

// Time since boot, including sleep (CLOCK_BOOTTIME).
struct BoottimeClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BoottimeClock>;
  static constexpr bool is_steady = true;
  static time_point now();
};

class BoottimeTimer {
 public:
  explicit BoottimeTimer(const asio::any_io_executor& executor);

  // Returns after this time (at once if it is not positive) or when cancel() is called; true if the time is over.
  asio::awaitable<bool> wait_for(std::chrono::milliseconds time);
  void cancel();

 private:
  asio::posix::stream_descriptor timer_;
};

}  // namespace regsync
