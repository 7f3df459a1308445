// TaskGroup runs coroutines and waits for them to end, after which their owner may be destroyed.
//
// One io_context thread. Must outlive its tasks: await ended() before destroying it.
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
  // Receives the task's exception as an Error (ErrorCode::cancelled if it was cancelled through its slot), or nullopt.
  // The task no longer counts as running; on_end may start another one. Must not throw.
  using OnEnd = std::function<void(std::optional<Error> problem)>;

  explicit TaskGroup(asio::any_io_executor executor) : executor_(std::move(executor)), task_ended_(executor_) {}

  // Starts `work` immediately, up to its first suspension.
  void spawn(asio::awaitable<void> work, OnEnd on_end, asio::cancellation_slot slot = {});

  [[nodiscard]] bool empty() const { return running_ == 0; }
  // Returns once no task runs.
  asio::awaitable<void> ended();
  // The same with a time limit; false if the time ran out.
  asio::awaitable<bool> ended_within(std::chrono::steady_clock::duration time);
  // Waits for all tasks to end; each time `grace` passes, emits `cancel` for those that still run.
  asio::awaitable<void> end(asio::cancellation_signal& cancel, std::chrono::steady_clock::duration grace);

 private:
  asio::any_io_executor executor_;
  AsyncEvent task_ended_;
  std::size_t running_ = 0;
};

}  // namespace regsync
