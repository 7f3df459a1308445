#include "sync/base/async_event.hpp"

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "helper/base/error.hpp"

namespace regsync {

namespace {

// state: that of the waiting coroutine.
void throw_if_cancelled(const asio::cancellation_state& state) {
  if (state.cancelled() != asio::cancellation_type::none) {
    throw Error(ErrorCode::cancelled, "the wait was cancelled");
  }
}

// Waits until the timer expires or is cancelled.
asio::awaitable<void> wait_for_end(asio::steady_timer& timer) {
  asio::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  throw_if_cancelled(co_await asio::this_coro::cancellation_state);
}

}  // namespace

asio::awaitable<void> sleep_for(std::chrono::steady_clock::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await wait_for_end(timer);
}

asio::awaitable<void> AsyncEvent::wait() { return wait_for_end(timer_); }

asio::awaitable<bool> AsyncEvent::wait_for(std::chrono::steady_clock::duration timeout) {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer limit(timer_.get_executor(), timeout);
  asio::error_code ignored;
  // The limit must not throw: if both sides do, operator|| throws asio::multiple_exceptions, which is not an Error.
  const auto first = co_await (wait() || limit.async_wait(asio::redirect_error(asio::use_awaitable, ignored)));
  throw_if_cancelled(co_await asio::this_coro::cancellation_state);
  co_return first.index() == 0;
}

}  // namespace regsync
