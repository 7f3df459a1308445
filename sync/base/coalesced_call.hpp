// CoalescedCall runs a function once for any number of requests that arrive before it runs. One io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/error_code.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

// Any number of calls to ask() lead to one call, `delay` after the first of them, on the executor's thread. Exceptions
// are logged with `subject`. After cancel(), nothing is called except a call that is already due; if a call was
// pending, later calls to ask() do nothing. Destroy it only after the executor has stopped.
class CoalescedCall {
 public:
  CoalescedCall(const asio::any_io_executor& executor, std::chrono::milliseconds delay, std::string_view subject,
                std::function<void()> call)
      : timer_(executor), delay_(delay), subject_(subject), call_(std::move(call)) {}

  void ask() {
    if (std::exchange(armed_, true)) {
      return;
    }
    timer_.expires_after(delay_);
    timer_.async_wait([this](const asio::error_code& error) {
      if (!error) {
        armed_ = false;
        guarded_logged(subject_, call_);
      }
    });
  }

  void cancel() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
  const std::chrono::milliseconds delay_;
  const std::string subject_;
  const std::function<void()> call_;
  bool armed_ = false;
};

}  // namespace regsync
