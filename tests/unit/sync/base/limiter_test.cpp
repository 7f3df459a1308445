#include "sync/base/limiter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <map>
#include <memory>
#include <vector>

#include "sync/base/async_event.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

class LimiterTest : public ::testing::Test {
 protected:
  asio::awaitable<void> stay(int who, bool& may_leave) {
    const auto turn = co_await limiter_.enter();
    inside_.push_back(who);
    while (!may_leave) {
      co_await news_.wait();
    }
    std::erase(inside_, who);
  }
  std::unique_ptr<test::Background> enter(int who) {
    may_leave_[who] = false;
    auto task = std::make_unique<test::Background>(loop_, stay(who, may_leave_[who]));
    loop_.restart();
    loop_.poll();
    return task;
  }
  void leave(int who) {
    may_leave_[who] = true;
    news_.notify_all();
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_;
  AsyncEvent news_{loop_.get_executor()};
  Limiter limiter_{2};
  std::map<int, bool> may_leave_;
  std::vector<int> inside_;
};

TEST_F(LimiterTest, NoMoreThanTheLimitAreInsideAndTheRestComesInTurn) {
  const auto one = enter(1);
  const auto two = enter(2);
  const auto three = enter(3);
  const auto four = enter(4);
  EXPECT_EQ(inside_, (std::vector{1, 2}));
  leave(1);
  EXPECT_EQ(inside_, (std::vector{2, 3}));
  leave(2);
  EXPECT_EQ(inside_, (std::vector{3, 4}));
}

TEST_F(LimiterTest, AShortTurnIsOverAfterItsTime) {
  Limiter one(1);
  int entered = 0;
  const auto hang = [&]() -> asio::awaitable<void> {
    const ShortTurn turn(loop_.get_executor(), co_await one.enter(), std::chrono::milliseconds(1));
    ++entered;
    while (!may_leave_[0]) {
      co_await news_.wait();
    }
  };
  const test::Background first(loop_, hang());
  const test::Background second(loop_, hang());
  const test::Background third(loop_, hang());
  EXPECT_TRUE(test::run_until(loop_, [&] { return entered == 3; }));
  leave(0);
  const test::Background after(loop_, hang());
  EXPECT_TRUE(test::run_until(loop_, [&] { return entered == 4; })) << "given back twice, or never";
}

TEST_F(LimiterTest, OneWhoGivesUpKeepsNoTurn) {
  const auto one = enter(1);
  const auto two = enter(2);
  const auto three = enter(3);
  EXPECT_TRUE(three->stop());
  leave(1);
  leave(2);
  const auto four = enter(4);
  const auto five = enter(5);
  EXPECT_EQ(inside_, (std::vector{4, 5}));
}

TEST_F(LimiterTest, OneWhoIsStoppedInsideGivesTheTurnOn) {
  const auto one = enter(1);
  const auto two = enter(2);
  const auto three = enter(3);
  EXPECT_TRUE(one->stop());
  loop_.restart();
  loop_.poll();
  EXPECT_NE(std::find(inside_.begin(), inside_.end(), 3), inside_.end());
}

}  // namespace
}  // namespace regsync
