#include "sync/base/single_flight.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

class SingleFlightTest : public ::testing::Test {
 protected:
  // Work that counts its runs and ends when the test says so.
  asio::awaitable<std::string> work() {
    const int number = ++runs_;
    while (!may_end_) {
      co_await news_.wait();
    }
    if (fails_) {
      throw Error(ErrorCode::timeout, "run " + std::to_string(number));
    }
    co_return "run " + std::to_string(number);
  }
  asio::awaitable<void> ask() {
    try {
      answers_.push_back(co_await flight_.run([this] { return work(); }));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) {
        answers_.push_back("failed: " + error.message());
      }
    }
  }
  std::unique_ptr<test::Background> asking() { return std::make_unique<test::Background>(loop_, ask()); }
  void end_the_run() {
    may_end_ = true;
    news_.notify_all();
  }
  bool wait_for_answers(std::size_t count) {
    return test::run_until(loop_, [&] { return answers_.size() == count; });
  }

  asio::io_context loop_;
  AsyncEvent news_{loop_.get_executor()};
  SingleFlight<std::string> flight_;
  std::vector<std::string> answers_;
  int runs_ = 0;
  bool may_end_ = false;
  bool fails_ = false;
};

TEST_F(SingleFlightTest, WhoComesWhileItRunsSharesTheResult) {
  const auto first = asking();
  const auto second = asking();
  loop_.poll();
  end_the_run();
  EXPECT_TRUE(wait_for_answers(2));
  EXPECT_EQ(answers_, (std::vector<std::string>{"run 1", "run 1"}));
}

TEST_F(SingleFlightTest, WhoComesLaterRunsAgain) {
  may_end_ = true;
  const auto first = asking();
  EXPECT_TRUE(wait_for_answers(1));
  const auto second = asking();
  EXPECT_TRUE(wait_for_answers(2));
  EXPECT_EQ(answers_.back(), "run 2");
}

TEST_F(SingleFlightTest, AFailureIsSharedToo) {
  fails_ = true;
  const auto first = asking();
  const auto second = asking();
  loop_.poll();
  end_the_run();
  EXPECT_TRUE(wait_for_answers(2));
  EXPECT_EQ(answers_, (std::vector<std::string>{"failed: run 1", "failed: run 1"}));
}

TEST_F(SingleFlightTest, WhenTheOneWhoRunsIsCancelledAnotherRuns) {
  const auto first = asking();
  const auto second = asking();
  const auto third = asking();
  loop_.poll();
  EXPECT_TRUE(first->stop());
  EXPECT_TRUE(test::run_until(loop_, [&] { return runs_ == 2; }));
  end_the_run();
  EXPECT_TRUE(wait_for_answers(2));
  EXPECT_EQ(answers_, (std::vector<std::string>{"run 2", "run 2"}));
}

TEST_F(SingleFlightTest, OneWhoWaitsMayBeCancelledAlone) {
  const auto first = asking();
  const auto second = asking();
  loop_.poll();
  EXPECT_TRUE(second->stop());
  end_the_run();
  EXPECT_TRUE(wait_for_answers(1));
  EXPECT_EQ(runs_, 1);
}

}  // namespace
}  // namespace regsync
