#include "sync/base/task_group.hpp"

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

void TaskGroup::spawn(asio::awaitable<void> work, OnEnd on_end, asio::cancellation_slot slot) {
  ++running_;
  spawn_guarded(
      executor_, std::move(work),
      [this, on_end = std::move(on_end)](std::optional<Error> problem) {
        --running_;
        task_ended_.notify_all();
        on_end(std::move(problem));
      },
      slot);
}

asio::awaitable<void> TaskGroup::ended() {
  while (!empty()) {
    co_await task_ended_.wait();
  }
}

asio::awaitable<bool> TaskGroup::ended_within(std::chrono::steady_clock::duration time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!empty()) {
    const bool in_time = co_await task_ended_.wait_for(deadline - std::chrono::steady_clock::now());
    if (!in_time) {
      break;
    }
  }
  co_return running_ == 0;
}

asio::awaitable<void> TaskGroup::end(asio::cancellation_signal& cancel, std::chrono::steady_clock::duration grace) {
  bool have_ended = co_await ended_within(grace);
  while (!have_ended) {
    cancel.emit(asio::cancellation_type::all);
    have_ended = co_await ended_within(grace);
  }
}

}  // namespace regsync
