#include "sync/base/boottime_timer.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class BoottimeTimerTest : public testing::Test {
 protected:
  asio::io_context io_;
  BoottimeTimer timer_{io_.get_executor()};
};

TEST_F(BoottimeTimerTest, ReturnsWhenTheTimeIsOverAndNotBefore) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(test::run(io_, timer_.wait_for(20ms)));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
}

TEST_F(BoottimeTimerTest, NoTimeAtAllIsOverAtOnce) {
  for (const auto time : {0ms, -1ms, -5000ms, std::chrono::milliseconds::min()}) {
    EXPECT_TRUE(test::run(io_, timer_.wait_for(time))) << time.count();
  }
}

TEST_F(BoottimeTimerTest, CancelEndsTheWaitEarly) {
  asio::post(io_, [this] { asio::post(io_, [this] { timer_.cancel(); }); });
  EXPECT_FALSE(test::run(io_, timer_.wait_for(1h)));
}

TEST_F(BoottimeTimerTest, CanBeUsedAgain) {
  EXPECT_TRUE(test::run(io_, timer_.wait_for(1ms)));
  EXPECT_TRUE(test::run(io_, timer_.wait_for(1ms)));
}

}  // namespace
}  // namespace regsync
