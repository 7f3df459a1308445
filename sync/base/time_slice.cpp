#include "sync/base/time_slice.hpp"

#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "helper/base/error.hpp"

namespace regsync {

asio::awaitable<void> TimeSlice::hand_over() {
  const auto executor = co_await asio::this_coro::executor;
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(executor, asio::use_awaitable);
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  co_await asio::this_coro::throw_if_cancelled(throws);
  if (state.cancelled() != asio::cancellation_type::none) {
    throw Error(ErrorCode::cancelled, "the work was cancelled");
  }
  end_ = std::chrono::steady_clock::now() + length;
}

}  // namespace regsync
