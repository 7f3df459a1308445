// A timer that counts the time a machine sleeps (timerfd, CLOCK_BOOTTIME): what expires on a server's clock expires
// while a laptop's lid is closed. asio::steady_timer does not count it. One io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <chrono>

namespace regsync {

// The time since the machine was started, sleep included (CLOCK_BOOTTIME).
std::chrono::nanoseconds boottime_now();

class BoottimeTimer {
 public:
  explicit BoottimeTimer(const asio::any_io_executor& executor);

  // Returns after this time, or at once when cancel() is called; true if the time is over.
  asio::awaitable<bool> wait_for(std::chrono::milliseconds time);
  void cancel();

 private:
  asio::posix::stream_descriptor timer_;
};

}  // namespace regsync
