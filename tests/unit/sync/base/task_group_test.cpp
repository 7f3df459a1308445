#include "sync/base/task_group.hpp"

#include <gtest/gtest.h>

#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class TaskGroupTest : public testing::Test {
 protected:
  asio::awaitable<void> wait() { co_await event_.wait(); }

  asio::awaitable<void> fail() {
    co_await event_.wait();
    throw Error(ErrorCode::timeout, "too late");
  }

  TaskGroup::OnEnd note(const std::string& name) {
    return [this, name](std::optional<Error> problem) {
      ended_.push_back(name);
      problem_ = std::move(problem);
    };
  }

  asio::io_context io_;
  AsyncEvent event_{io_.get_executor()};
  TaskGroup tasks_{io_.get_executor()};
  std::vector<std::string> ended_;
  std::optional<Error> problem_;
};

TEST_F(TaskGroupTest, WithoutTasksThereIsNothingToWaitFor) {
  EXPECT_TRUE(tasks_.empty());
  test::run(io_, tasks_.ended());
  EXPECT_TRUE(test::run(io_, tasks_.ended_within(0ms)));
}

TEST_F(TaskGroupTest, AllTasksAreWaitedFor) {
  tasks_.spawn(wait(), note("one"));
  tasks_.spawn(wait(), note("two"));
  EXPECT_FALSE(test::run(io_, tasks_.ended_within(1ms)));
  test::Background waits(io_, tasks_.ended());
  io_.restart();
  io_.poll();
  EXPECT_FALSE(waits.done());
  event_.notify_all();
  EXPECT_TRUE(test::run_until(io_, [&] { return waits.done(); }));
  EXPECT_EQ(ended_, (std::vector<std::string>{"one", "two"}));
}

TEST_F(TaskGroupTest, WhatATaskThrewIsToldAndEndsNoOther) {
  tasks_.spawn(fail(), note("fails"));
  EXPECT_FALSE(test::run(io_, tasks_.ended_within(1ms)));
  event_.notify_all();
  test::run(io_, tasks_.ended());
  ASSERT_TRUE(problem_);
  EXPECT_EQ(problem_->code(), ErrorCode::timeout);
}

TEST_F(TaskGroupTest, ATaskIsCancelledThroughItsSlotAlone) {
  asio::cancellation_signal cancel;
  tasks_.spawn(wait(), note("cancelled"), cancel.slot());
  tasks_.spawn(wait(), note("stays"));
  EXPECT_FALSE(test::run(io_, tasks_.ended_within(1ms)));
  cancel.emit(asio::cancellation_type::all);
  EXPECT_FALSE(test::run(io_, tasks_.ended_within(1ms)));
  EXPECT_EQ(ended_, std::vector<std::string>{"cancelled"});
  ASSERT_TRUE(problem_);
  EXPECT_EQ(problem_->code(), ErrorCode::cancelled);
  event_.notify_all();
  test::run(io_, tasks_.ended());
}

TEST_F(TaskGroupTest, ATaskThatIsStartedAtTheEndOfAnotherIsWaitedForAsWell) {
  tasks_.spawn(wait(), [this](const std::optional<Error>&) { tasks_.spawn(wait(), note("second")); });
  EXPECT_FALSE(test::run(io_, tasks_.ended_within(1ms)));
  event_.notify_all();
  EXPECT_FALSE(test::run(io_, tasks_.ended_within(1ms)));
  event_.notify_all();
  test::run(io_, tasks_.ended());
  EXPECT_EQ(ended_, std::vector<std::string>{"second"});
}

TEST_F(TaskGroupTest, AtItsEndWhatIsUnderWayMayBeDone) {
  asio::cancellation_signal cancel;
  tasks_.spawn(wait(), note("done"), cancel.slot());
  const test::Background ending(io_, tasks_.end(cancel, 1h));
  io_.restart();
  io_.poll();
  EXPECT_FALSE(ending.done());
  event_.notify_all();
  EXPECT_TRUE(test::run_until(io_, [&] { return ending.done(); }));
  EXPECT_EQ(ended_, std::vector<std::string>{"done"});
  EXPECT_FALSE(problem_);
}

TEST_F(TaskGroupTest, AtItsEndWhatGoesOnBeyondTheGraceIsCancelled) {
  asio::cancellation_signal cancel;
  tasks_.spawn(wait(), note("cancelled"), cancel.slot());
  test::run(io_, tasks_.end(cancel, 1ms));
  EXPECT_EQ(ended_, std::vector<std::string>{"cancelled"});
  ASSERT_TRUE(problem_);
  EXPECT_EQ(problem_->code(), ErrorCode::cancelled);
}

}  // namespace
}  // namespace regsync
