#include "sync/cluster/work_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class WorkQueueTest : public testing::Test {
 protected:
  // Runs the io_context until nothing is left to do.
  void run() {
    io_.restart();
    io_.run();
  }

  void stop(WorkQueue& queue) {
    asio::co_spawn(io_, queue.stop(), asio::detached);
    run();
  }

  static WorkQueue::Options fast() {
    return {.max_in_flight = 2, .backoff_base = 1ms, .backoff_cap = 8ms, .recheck = 5ms};
  }

  static auto no_delay() {
    return [](const Key&, const Outcome&) {};
  }

  asio::io_context io_{1};
  std::vector<std::string> done_;
};

TEST_F(WorkQueueTest, ABurstOfAddsRunsOnce) {
  WorkQueue queue(
      io_.get_executor(), fast(),
      [this](Key key) -> asio::awaitable<Outcome> {
        done_.push_back(key.name_space);
        co_return Outcome{};
      },
      no_delay());
  queue.pause();
  for (int i = 0; i < 100; ++i) {
    queue.add({"a", "s"});
  }
  queue.resume();
  run();
  EXPECT_EQ(done_, std::vector<std::string>{"a"});
  EXPECT_TRUE(queue.idle());
  stop(queue);
}

TEST_F(WorkQueueTest, ReaddWhileProcessingRunsOnceMore) {
  WorkQueue* self = nullptr;
  WorkQueue queue(
      io_.get_executor(), fast(),
      [&](Key key) -> asio::awaitable<Outcome> {
        done_.push_back(key.name_space);
        if (done_.size() == 1) {
          for (int i = 0; i < 10; ++i) {
            self->add(key);
          }
        }
        co_return Outcome{};
      },
      no_delay());
  self = &queue;
  queue.add({"a", "s"});
  run();
  EXPECT_EQ(done_.size(), 2U);
  stop(queue);
}

TEST_F(WorkQueueTest, NeverWorksOnAKeyTwiceAtOnceNorOnMoreThanTheLimit) {
  int in_work = 0;
  int most = 0;
  std::set<std::string> busy;
  WorkQueue queue(
      io_.get_executor(), fast(),
      [&](Key key) -> asio::awaitable<Outcome> {
        EXPECT_TRUE(busy.insert(key.name_space).second);
        most = std::max(most, ++in_work);
        asio::steady_timer timer(io_, 1ms);
        co_await timer.async_wait(asio::use_awaitable);
        --in_work;
        busy.erase(key.name_space);
        co_return Outcome{};
      },
      no_delay());
  for (int i = 0; i < 20; ++i) {
    queue.add({"n" + std::to_string(i % 7), "s"});
  }
  run();
  EXPECT_EQ(most, 2);
  stop(queue);
}

TEST_F(WorkQueueTest, RetriesWithBackoffUntilDone) {
  std::vector<std::chrono::steady_clock::time_point> delays;
  int failures = 4;
  WorkQueue* self = nullptr;
  WorkQueue queue(
      io_.get_executor(), fast(),
      [&](Key) -> asio::awaitable<Outcome> {
        co_return Outcome{failures-- > 0 ? Outcome::Kind::retry : Outcome::Kind::done, std::nullopt};
      },
      [&](const Key& key, const Outcome&) {
        if (const auto next_try = self->next_try(key)) {
          delays.push_back(*next_try);
        }
      });
  self = &queue;
  queue.add({"a", "s"});
  run();
  EXPECT_EQ(delays.size(), 4U);
  EXPECT_EQ(failures, -1);
  stop(queue);
}

TEST_F(WorkQueueTest, HonoursALaterTimeThatTheServerAskedFor) {
  std::chrono::steady_clock::time_point again;
  bool first = true;
  WorkQueue queue(
      io_.get_executor(), fast(),
      [&](Key) -> asio::awaitable<Outcome> {
        if (std::exchange(first, false)) {
          co_return Outcome{Outcome::Kind::retry, 30ms};
        }
        again = std::chrono::steady_clock::now();
        co_return Outcome{};
      },
      no_delay());
  const auto start = std::chrono::steady_clock::now();
  queue.add({"a", "s"});
  run();
  EXPECT_GE(again - start, 30ms);
  stop(queue);
}

TEST_F(WorkQueueTest, ThatAServerIsBusyIsAFailureOnlyAfterTenTimes) {
  int runs = 0;
  WorkQueue queue(
      io_.get_executor(), {.max_in_flight = 1, .backoff_base = 1ms, .backoff_cap = 1h},
      [&](Key) -> asio::awaitable<Outcome> {
        ++runs;
        co_return Outcome{Outcome::Kind::busy, 1ms};
      },
      no_delay());
  queue.add({"a", "s"});
  EXPECT_TRUE(test::run_until(io_, [&] { return runs == 16; })) << "ten, and some that back off";
  EXPECT_FALSE(test::run_until(io_, [&] { return runs > 25; }, 200ms)) << "less and less often: 2^n ms";
  stop(queue);
}

TEST_F(WorkQueueTest, AServerThatNamesNoTimeIsNotAskedAllTheTime) {
  int runs = 0;
  WorkQueue queue(
      io_.get_executor(), {.max_in_flight = 1, .backoff_base = 1h, .backoff_cap = 1h},
      [&](Key) -> asio::awaitable<Outcome> {
        ++runs;
        co_return Outcome{Outcome::Kind::busy, 0ms};
      },
      no_delay());
  queue.add({"a", "s"});
  EXPECT_FALSE(test::run_until(io_, [&] { return runs > 1; }, 20ms));
  stop(queue);
}

TEST_F(WorkQueueTest, WhatWaitsComesBackAtItsTimeHoweverOftenItWasAskedFor) {
  int runs = 0;
  WorkQueue queue(
      io_.get_executor(), {.max_in_flight = 1, .backoff_base = 1h, .backoff_cap = 1h, .recheck = 1h},
      [&](Key) -> asio::awaitable<Outcome> { co_return ++runs < 20 ? Outcome{Outcome::Kind::wait, 10ms} : Outcome{}; },
      no_delay());
  for (int i = 0; i < 15 && runs < 19; ++i) {  // after the last one it would run once more
    queue.add({"a", "s"});
    io_.run_for(1ms);
  }
  run();
  EXPECT_EQ(runs, 20);
  stop(queue);
}

TEST_F(WorkQueueTest, AnEventEndsADelayAtOnce) {
  int runs = 0;
  WorkQueue queue(
      io_.get_executor(), {.max_in_flight = 1, .backoff_base = 1h, .backoff_cap = 1h, .recheck = 1h},
      [&](Key) -> asio::awaitable<Outcome> {
        co_return Outcome{runs++ == 0 ? Outcome::Kind::retry : Outcome::Kind::done, std::nullopt};
      },
      no_delay());
  EXPECT_TRUE(queue.empty());
  queue.add({"a", "s"});
  ASSERT_TRUE(test::run_until(io_, [&] { return runs == 1; }));
  EXPECT_TRUE(queue.idle());
  EXPECT_FALSE(queue.empty());
  EXPECT_TRUE(queue.holds({"a", "s"}));
  EXPECT_FALSE(queue.holds({"b", "s"}));
  queue.add({"a", "s"});
  run();
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(queue.holds({"a", "s"}));
  EXPECT_TRUE(queue.empty());
  stop(queue);
}

TEST_F(WorkQueueTest, WhateverEscapesIsToldAndRetriedAndLosesNoKey) {
  int runs = 0;
  std::vector<std::string> defects;
  WorkQueue queue(
      io_.get_executor(), fast(),
      [&](Key) -> asio::awaitable<Outcome> {
        switch (runs++) {
          case 0:
            throw Error(ErrorCode::internal, "a defect");
          case 1:
            throw std::out_of_range("another one");
          default:
            co_return Outcome{};
        }
      },
      [&](const Key&, const Outcome& outcome) {
        if (outcome.defect) {
          defects.push_back(outcome.defect->message());
          throw std::runtime_error("nor does what is told of it end anything");
        }
      });
  queue.add({"a", "s"});
  run();
  EXPECT_EQ(runs, 3);
  ASSERT_EQ(defects.size(), 2U);
  EXPECT_EQ(defects[0], "a defect");
  EXPECT_NE(defects[1].find("unexpected exception"), std::string::npos);
  stop(queue);
}

TEST_F(WorkQueueTest, SettledReturnsWhenNothingIsLeftEvenIfKeysWaitForTheirRetry) {
  bool settled = false;
  WorkQueue queue(
      io_.get_executor(), {.max_in_flight = 1, .backoff_base = 1h, .backoff_cap = 1h, .recheck = 1h},
      [&](Key) -> asio::awaitable<Outcome> { co_return Outcome{Outcome::Kind::retry, std::nullopt}; }, no_delay());
  queue.add({"a", "s"});
  queue.add({"b", "s"});
  asio::co_spawn(
      io_,
      [&]() -> asio::awaitable<void> {
        co_await queue.settled();
        settled = true;
      },
      asio::detached);
  EXPECT_TRUE(test::run_until(io_, [&] { return settled; }));
  stop(queue);
}

// Work that lasts until the gate is opened, and how much of it there is at once.
class WorkShareTest : public WorkQueueTest {
 protected:
  WorkQueue& add_queue(int keys) {
    WorkQueue& queue = queues_.emplace_back(
        io_.get_executor(), WorkQueue::Options{.share = share_},
        [this](Key) -> asio::awaitable<Outcome> {
          ++in_work_;
          most_in_work_ = std::max(most_in_work_, in_work_);
          co_await asio::steady_timer(io_, 1ms).async_wait(asio::use_awaitable);
          while (!open_) {
            co_await gate_.wait();
          }
          --in_work_;
          ++worked_;
          co_return Outcome{};
        },
        no_delay());
    for (int i = 0; i < keys; ++i) {
      queue.add({std::to_string(i), "s"});
    }
    return queue;
  }

  void TearDown() override {
    open_ = true;
    gate_.notify_all();
    for (WorkQueue& queue : queues_) {
      stop(queue);
    }
  }

  std::shared_ptr<WorkShare> share_ = std::make_shared<WorkShare>();
  AsyncEvent gate_{io_.get_executor()};
  bool open_ = true;
  int in_work_ = 0;
  int most_in_work_ = 0;
  int worked_ = 0;
  std::list<WorkQueue> queues_;
};

TEST_F(WorkShareTest, AContextThatWorksAloneHasAllThatAQueueMay) {
  add_queue(1000);
  ASSERT_TRUE(test::run_until(io_, [&] { return worked_ == 1000; }));
  EXPECT_EQ(most_in_work_, 64);
}

TEST_F(WorkShareTest, ManyContextsTogetherHaveABound) {
  for (int i = 0; i < 40; ++i) {
    add_queue(100);
  }
  ASSERT_TRUE(test::run_until(io_, [&] { return worked_ == 4000; }));
  EXPECT_LE(most_in_work_, 2 * WorkShare::most_together + 40 * WorkShare::narrow);
  EXPECT_GE(most_in_work_, WorkShare::most_together / 2);
}

TEST_F(WorkShareTest, ContextsThatHangLeaveOthersRoom) {
  open_ = false;
  for (int i = 0; i < 200; ++i) {
    add_queue(20);
  }
  io_.run_for(20ms);
  const int hanging = in_work_;
  add_queue(20);
  io_.run_for(20ms);
  EXPECT_EQ(in_work_, hanging + WorkShare::narrow);
}

TEST_F(WorkShareTest, WhoHasEndedTakesNoShare) {
  for (int i = 0; i < 20; ++i) {
    add_queue(1);
  }
  ASSERT_TRUE(test::run_until(io_, [&] { return worked_ == 20; }));
  EXPECT_EQ(share_->each(), WorkShare::most_together);
  for (int i = 0; i < 20; ++i) {
    add_queue(30);
  }
  ASSERT_TRUE(test::run_until(io_, [&] { return worked_ == 620; }));
  EXPECT_EQ(share_->each(), WorkShare::most_together);
}

TEST_F(WorkQueueTest, StopCancelsWhatIsInWork) {
  bool begun = false;
  bool cancelled = false;
  WorkQueue queue(
      io_.get_executor(), fast(),
      [&](Key) -> asio::awaitable<Outcome> {
        begun = true;
        asio::steady_timer timer(io_, 1h);
        try {
          co_await timer.async_wait(asio::use_awaitable);
        } catch (const std::exception&) {
          cancelled = true;
          throw;
        }
        co_return Outcome{};
      },
      no_delay());
  queue.add({"a", "s"});
  queue.add({"b", "s"});
  queue.add({"c", "s"});
  ASSERT_TRUE(test::run_until(io_, [&] { return begun; }));
  stop(queue);
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(queue.idle());
}

}  // namespace
}  // namespace regsync
