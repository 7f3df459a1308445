// guarded_logged() and spawn_guarded() run handlers and coroutines, and convert exceptions to an Error. Every entry
// point from outside (a watch's event, a monitor's callback, a posted handler, a timer, a control request, the work on
// a key) runs in one of these two, so that an exception becomes the problem of one object and never ends the process.
//
// Only guarded() and the top level of a program may catch everything (tests/lint layers). Any thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/guarded.hpp"  // IWYU pragma: export
#include "sync/base/log.hpp"

namespace regsync {

// guarded() for work that nobody waits for: logs an exception with `subject`.
template <typename Work>
void guarded_logged(std::string_view subject, Work&& work) {
  if (const auto problem = guarded(std::forward<Work>(work))) {
    log::error(describe(problem->within(subject)));
  }
}

// Starts `work` on the executor and calls `on_end` with the exception as an Error (ErrorCode::cancelled if it was
// cancelled through `slot`), or nullopt. on_end must not throw.
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
