// Runs coroutines in tests: to their end, or in the background.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "helper/base/error.hpp"

namespace regsync::test {

// Runs the loop until the predicate holds or the time is over; returns whether it holds.
template <typename Predicate>
bool run_until(asio::io_context& context, const Predicate& predicate,
               std::chrono::milliseconds time = std::chrono::seconds(30)) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  context.restart();
  // An empty loop returns at once; the timer of the wait keeps it alive.
  asio::steady_timer pulse(context);
  const auto over = std::make_shared<bool>(false);  // a queued tick may outlive this call
  std::function<void(std::error_code)> tick = [&pulse, &tick, over](std::error_code ended) {
    if (!ended && !*over) {
      pulse.expires_after(std::chrono::milliseconds(10));
      pulse.async_wait(tick);
    }
  };
  tick({});
  bool holds = predicate();
  while (!holds && std::chrono::steady_clock::now() < deadline) {
    context.run_one_for(std::chrono::milliseconds(20));
    holds = predicate();
  }
  *over = true;
  pulse.cancel();
  // Runs the cancelled tick. Limited in time, because a busy loop always has more handlers ready.
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (context.poll_one() > 0 && std::chrono::steady_clock::now() < enough) {
  }
  return holds;
}

// Runs a coroutine on this loop and returns its result. Throws what it throws, and std::runtime_error on timeout.
template <typename T>
T run(asio::io_context& context, asio::awaitable<T> coroutine,
      std::chrono::milliseconds time = std::chrono::seconds(30)) {
  struct Result {
    std::exception_ptr failure;
    std::optional<T> value;
    bool done = false;
  };
  const auto result = std::make_shared<Result>();
  asio::cancellation_signal stop;
  asio::co_spawn(context, std::move(coroutine),
                 asio::bind_cancellation_slot(stop.slot(), [result](std::exception_ptr failure, T value) {
                   result->failure = std::move(failure);
                   if (!result->failure) {
                     result->value = std::move(value);
                   }
                   result->done = true;
                 }));
  if (!run_until(context, [&] { return result->done; }, time)) {
    stop.emit(asio::cancellation_type::terminal);
    run_until(context, [&] { return result->done; }, std::chrono::seconds(5));
    throw std::runtime_error("the coroutine did not end in time");
  }
  if (result->failure) {
    std::rethrow_exception(result->failure);
  }
  return std::move(*result->value);
}

inline void run(asio::io_context& context, asio::awaitable<void> coroutine,
                std::chrono::milliseconds time = std::chrono::seconds(30)) {
  const auto valued = [](asio::awaitable<void> inner) -> asio::awaitable<bool> {
    co_await std::move(inner);
    co_return true;
  };
  run<bool>(context, valued(std::move(coroutine)), time);
}

// Returns the Error that a coroutine throws; throws std::logic_error if it throws none.
template <typename T>
Error error_of(asio::io_context& context, asio::awaitable<T> coroutine,
               std::chrono::milliseconds time = std::chrono::seconds(30)) {
  try {
    run(context, std::move(coroutine), time);
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("no Error was thrown");
}

// A coroutine that runs in the background until this object ends.
class Background {
 public:
  Background(asio::io_context& context, asio::awaitable<void> coroutine) : context_(context) {
    asio::co_spawn(context, std::move(coroutine),
                   asio::bind_cancellation_slot(stop_.slot(), [state = state_](std::exception_ptr failure) {
                     state->failure = std::move(failure);
                     state->done = true;
                   }));
  }
  ~Background() { stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  Background(Background&&) = delete;
  Background& operator=(Background&&) = delete;

  // Cancels the coroutine and waits for its end; returns whether it ended.
  bool stop() {
    if (!state_->done) {
      stop_.emit(asio::cancellation_type::terminal);
      run_until(context_, [&] { return state_->done; }, std::chrono::seconds(5));
    }
    return state_->done;
  }

  [[nodiscard]] bool done() const { return state_->done; }

  // What it threw, if anything.
  [[nodiscard]] std::optional<Error> failure() const {
    try {
      if (state_->failure) {
        std::rethrow_exception(state_->failure);
      }
    } catch (...) {
      return current_error();
    }
    return std::nullopt;
  }

 private:
  struct State {
    std::exception_ptr failure;
    bool done = false;
  };
  asio::io_context& context_;
  asio::cancellation_signal stop_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace regsync::test
