#include "sync/base/async_event.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include "helper/base/error.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class AsyncEventTest : public testing::Test {
 protected:
  asio::io_context io_;
  AsyncEvent event_{io_.get_executor()};
};

TEST_F(AsyncEventTest, WakesAllWhoWait) {
  test::Background first(io_, event_.wait());
  test::Background second(io_, event_.wait());
  io_.restart();
  io_.poll();
  EXPECT_FALSE(first.done());
  event_.notify_all();
  EXPECT_TRUE(test::run_until(io_, [&] { return first.done() && second.done(); }));
  EXPECT_FALSE(first.failure());
}

TEST_F(AsyncEventTest, ANotificationBeforeTheWaitIsNotKept) {
  event_.notify_all();
  EXPECT_FALSE(test::run(io_, event_.wait_for(1ms)));
}

TEST_F(AsyncEventTest, AWaitWithALimitSaysWhetherTheTimeRanOut) {
  asio::post(io_, [this] { asio::post(io_, [this] { event_.notify_all(); }); });
  EXPECT_TRUE(test::run(io_, event_.wait_for(10s)));
  EXPECT_FALSE(test::run(io_, event_.wait_for(1ms)));
}

TEST_F(AsyncEventTest, ACancelledWaiterIsToldAndTheOthersWaitOn) {
  test::Background stays(io_, event_.wait());
  test::Background leaves(io_, event_.wait());
  io_.restart();
  io_.poll();
  EXPECT_TRUE(leaves.stop());
  ASSERT_TRUE(leaves.failure());
  EXPECT_EQ(leaves.failure()->code(), ErrorCode::cancelled);
  EXPECT_FALSE(stays.done());
}

TEST_F(AsyncEventTest, ACancelledWaiterWithALimitIsToldTheSame) {
  const auto waiting = [this]() -> asio::awaitable<void> { co_await event_.wait_for(10s); };
  test::Background leaves(io_, waiting());
  io_.restart();
  io_.poll();
  EXPECT_TRUE(leaves.stop());
  ASSERT_TRUE(leaves.failure());
  EXPECT_EQ(leaves.failure()->code(), ErrorCode::cancelled);
}

}  // namespace
}  // namespace regsync
