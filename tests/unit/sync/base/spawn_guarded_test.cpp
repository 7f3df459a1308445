#include "sync/base/spawn_guarded.hpp"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <stdexcept>

#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

asio::awaitable<void> fail_with(std::exception_ptr failure) {
  std::rethrow_exception(std::move(failure));
  co_return;
}

asio::awaitable<void> wait_for_ever() {
  asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
  co_await timer.async_wait(asio::use_awaitable);
}

struct Spawned {
  bool ended = false;
  std::optional<Error> problem;
};

Spawned spawn(asio::io_context& io, asio::awaitable<void> work, asio::cancellation_slot slot = {}) {
  Spawned result;
  spawn_guarded(
      io.get_executor(), std::move(work),
      [&result](std::optional<Error> problem) {
        result.ended = true;
        result.problem = std::move(problem);
      },
      slot);
  test::run_until(io, [&] { return result.ended; });
  return result;
}

TEST(Guarded, ReturnsNothingWhereTheWorkEndsWell) {
  EXPECT_EQ(guarded([] {}), std::nullopt);
}

TEST(Guarded, ReturnsAnErrorAsItIs) {
  const auto problem = guarded([] { throw Error(ErrorCode::not_found, "no such file", "make one"); });
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->code(), ErrorCode::not_found);
  EXPECT_EQ(problem->remedy(), "make one");
}

TEST(Guarded, ReturnsWhateverElseIsThrownAsAnError) {
  for (const auto& work : std::initializer_list<std::function<void()>>{
           [] { throw std::runtime_error("surprise"); }, [] { throw std::bad_alloc(); }, [] { throw 42; }}) {
    EXPECT_TRUE(guarded(work));
  }
}

TEST(SpawnGuarded, TellsTheEndOnceWhateverTheWorkThrows) {
  asio::io_context io;
  EXPECT_TRUE(spawn(io, fail_with(std::make_exception_ptr(42))).problem);
  EXPECT_TRUE(spawn(io, fail_with(std::make_exception_ptr(std::runtime_error("surprise")))).problem);
  const Spawned locked =
      spawn(io, fail_with(std::make_exception_ptr(Error(ErrorCode::locked, "the keyring is locked"))));
  ASSERT_TRUE(locked.problem);
  EXPECT_EQ(locked.problem->code(), ErrorCode::locked);
}

TEST(SpawnGuarded, WorkThatIsCancelledSaysSo) {
  asio::io_context io;
  asio::cancellation_signal stop;
  asio::post(io, [&stop] { stop.emit(asio::cancellation_type::terminal); });
  const Spawned result = spawn(io, wait_for_ever(), stop.slot());
  ASSERT_TRUE(result.ended);
  ASSERT_TRUE(result.problem);
  EXPECT_EQ(result.problem->code(), ErrorCode::cancelled);
}

}  // namespace
}  // namespace regsync
