// TaskGroup runs coroutines, and waits for their ends: what started them may be destroyed once all have ended.
//
// One io_context thread. Must outlive its tasks: await ended() before.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"

namespace regsync {

class TaskGroup {
 public:
  // With what the task threw (ErrorCode::cancelled if it was cancelled through its slot), or with nothing. The task no
  // longer counts by then; on_end may start another one. Must not throw.
  using OnEnd = std::function<void(std::optional<Error> problem)>;

  explicit TaskGroup(asio::any_io_executor executor) : executor_(std::move(executor)), task_ended_(executor_) {}

  // Starts work, now, up to the first thing that it waits for.
  void spawn(asio::awaitable<void> work, OnEnd on_end, asio::cancellation_slot slot = {});

  [[nodiscard]] bool empty() const { return running_ == 0; }
  // Returns when no task runs.
  asio::awaitable<void> ended();
  // The same, and at most this long; false if the time ran out.
  asio::awaitable<bool> ended_within(std::chrono::steady_clock::duration time);
  // Lets what is under way come to its end; whenever this much time has passed, emits the signal of those that go on.
  asio::awaitable<void> end(asio::cancellation_signal& cancel, std::chrono::steady_clock::duration grace);

 private:
  asio::any_io_executor executor_;
  AsyncEvent task_ended_;
  std::size_t running_ = 0;
};

}  // namespace regsync
