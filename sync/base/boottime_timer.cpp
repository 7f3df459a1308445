#include "sync/base/boottime_timer.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {

namespace {

Error timer_error() { return {ErrorCode::internal, std::string("timerfd: ") + std::strerror(errno)}; }

int make_timer() {
  const int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) {
    throw timer_error();
  }
  return fd;
}

}  // namespace

BoottimeClock::time_point BoottimeClock::now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

BoottimeTimer::BoottimeTimer(const asio::any_io_executor& executor) : timer_(executor, make_timer()) {}

asio::awaitable<bool> BoottimeTimer::wait_for(std::chrono::milliseconds time) {
  time = std::max(time, std::chrono::milliseconds(0));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::max<long>(1, static_cast<long>((time - seconds).count()) * 1000000L);  // 0 disarms it
  if (timerfd_settime(timer_.native_handle(), 0, &when, nullptr) != 0) {
    throw timer_error();  // otherwise the wait would never end
  }
  asio::error_code error;
  co_await timer_.async_wait(asio::posix::stream_descriptor::wait_read,
                             asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

void BoottimeTimer::cancel() { timer_.cancel(); }

}  // namespace regsync
