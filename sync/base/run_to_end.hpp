// Runs a coroutine to completion, for callers without an event loop.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <future>
#include <utility>

namespace regsync {

// Runs on an event loop that has other work, too; that work may be unfinished on return. Blocks, and rethrows what
// `work` throws.
template <typename T>
T run_to_end(asio::io_context& io, asio::awaitable<T> work) {
  std::future<T> result = asio::co_spawn(io, std::move(work), asio::use_future);
  while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    io.run_one();  // the loop has work until `work` has ended
  }
  return result.get();
}

// The same with its own event loop.
template <typename T>
T run_to_end(asio::awaitable<T> work) {
  asio::io_context io(1);
  return run_to_end(io, std::move(work));
}

}  // namespace regsync
