// The policy for the unexpected: every entry point from outside (a watch's event, a monitor's callback, a posted
// handler, a timer, a control request, the work on a key) runs inside one of these two, so that whatever it throws
// becomes the problem of the smallest thing concerned and never leaves the event loop.
//
// These two, and the `main` functions, are the only places that may catch everything (tests/lint layers). Any thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/guarded.hpp"  // IWYU pragma: export

namespace regsync {

// Starts `work` on the executor and calls `on_end` with what it threw (ErrorCode::cancelled if it was cancelled through
// `slot`), or with nothing. on_end must not throw.
inline void spawn_guarded(const asio::any_io_executor& executor, asio::awaitable<void> work,
                          std::function<void(std::optional<Error>)> on_end, asio::cancellation_slot slot = {}) {
  asio::co_spawn(executor, std::move(work),
                 asio::bind_cancellation_slot(slot, [on_end = std::move(on_end)](const std::exception_ptr& failure) {
                   std::optional<Error> problem;
                   if (failure) {
                     problem = error_of(failure);
                   }
                   on_end(std::move(problem));
                 }));
}

}  // namespace regsync
