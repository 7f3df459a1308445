// When a repair may begin, in simulated time.
#include "sync/cluster/repair_pace.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class RepairPace : public testing::Test {
 protected:
  RepairPace() {
    wanted_.put(test::make_target());
    wanted_.login("first");
  }
  // As the Reconciler does for each run that writes.
  void write() {
    count_repair(progress_, &wanted_.plan(), now_);
    progress_.written = wanted_.plan().payload->id();
    progress_.wrote = now_;
  }
  [[nodiscard]] std::chrono::milliseconds wait() const {
    return wait_before_repair(progress_, wanted_.plan(), now_).value_or(0ms);
  }

  test::Wanted wanted_;
  Progress progress_;
  std::chrono::steady_clock::time_point now_{1h};
};

TEST_F(RepairPace, TheFirstFewComeAtOnceAndThenEachWaitsTwiceAsLong) {
  write();
  for (int repair = 0; repair < 4; ++repair) {
    EXPECT_EQ(wait(), 0ms) << repair;
    write();
  }
  for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}) {
    EXPECT_EQ(wait(), expected);
    now_ += wait();
    EXPECT_EQ(wait(), 0ms);
    write();
  }
}

TEST_F(RepairPace, AfterTwoCalmMinutesItBeginsAnew) {
  for (int i = 0; i < 10; ++i) {
    write();
  }
  EXPECT_GT(wait(), 0ms);
  now_ += 120s;
  EXPECT_EQ(wait(), 0ms);
  write();
  EXPECT_EQ(progress_.repairs, 0);
}

TEST_F(RepairPace, AnotherLoginIsNoRepair) {
  for (int i = 0; i < 10; ++i) {
    write();
  }
  wanted_.login("second");
  EXPECT_EQ(wait(), 0ms);
  write();
  EXPECT_EQ(progress_.repairs, 0);
}

TEST_F(RepairPace, AnotherTextOfTheTargetWithTheSameLoginsChangesNothing) {
  for (int i = 0; i < 10; ++i) {
    write();
  }
  progress_.accepted = wanted_.plan().payload->digest();
  wanted_.put(test::make_target());
  ASSERT_NE(progress_.written, wanted_.plan().payload->id());
  EXPECT_GT(wait(), 0ms);
}

TEST_F(RepairPace, AWriteForNoPlanEndsTheCount) {
  for (int i = 0; i < 10; ++i) {
    write();
  }
  count_repair(progress_, nullptr, now_);
  EXPECT_EQ(progress_.repairs, 0);
}

TEST(Deletions, OfWhatSomebodyMakesAnewEachTimeWaitLongerAndLonger) {
  Deletions deletions;
  const Key key{"team", "cred"};
  std::chrono::steady_clock::time_point now{1h};
  const auto wait = [&] { return deletions.wait(key, now).value_or(0ms); };
  deletions.count(key, now);
  for (int again = 0; again < 4; ++again) {
    EXPECT_EQ(wait(), 0ms) << again;
    deletions.count(key, now);
  }
  for (const auto expected : {1s, 2s, 4s}) {
    EXPECT_EQ(wait(), expected);
    now += wait();
    deletions.count(key, now);
  }
  EXPECT_EQ(deletions.wait({"team", "other"}, now), std::nullopt);
  now += 2min;
  EXPECT_EQ(wait(), 0ms);
  deletions.count(key, now);
  EXPECT_EQ(wait(), 0ms) << "it begins anew";
  for (int again = 0; again < 8; ++again) {
    deletions.count(key, now);
  }
  EXPECT_GT(wait(), 0ms);
  deletions.forget(key);
  EXPECT_EQ(wait(), 0ms);
}

TEST(Deletions, OfVeryManyAreNotAllKept) {
  Deletions deletions;
  const std::chrono::steady_clock::time_point now{1h};
  for (int i = 0; i < 10'000; ++i) {
    const Key key{"n" + std::to_string(i), "cred"};
    for (int again = 0; again < 6; ++again) {
      deletions.count(key, now);
    }
  }
  EXPECT_TRUE(deletions.wait({"n1", "cred"}, now));
  EXPECT_FALSE(deletions.wait({"n9999", "cred"}, now));
}

}  // namespace
}  // namespace regsync
