// Runs a coroutine to its end, for callers without an event loop.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <future>
#include <utility>

namespace regsync {

// On a loop where other things happen too; what of them is not done by then stays undone. Blocks, and throws what
// `work` throws.
template <typename T>
T run_to_end(asio::io_context& io, asio::awaitable<T> work) {
  std::future<T> result = asio::co_spawn(io, std::move(work), asio::use_future);
  while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    io.run_one();  // there is something to do until `work` has ended
  }
  return result.get();
}

// The same, on a loop of its own.
template <typename T>
T run_to_end(asio::awaitable<T> work) {
  asio::io_context io(1);
  return run_to_end(io, std::move(work));
}

}  // namespace regsync
