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

TEST(Repetitions, OfWhatSomebodyUndoesEachTimeWaitLongerAndLonger) {
  Repetitions deletions;
  const Deed deed{.key = {"team", "cred"}, .why = Why::not_covered};
  std::chrono::steady_clock::time_point now{1h};
  const auto wait = [&] { return deletions.wait(deed, now).value_or(0ms); };
  deletions.count(deed, now);
  for (int again = 0; again < 4; ++again) {
    EXPECT_EQ(wait(), 0ms) << again;
    deletions.count(deed, now);
  }
  for (const auto expected : {1s, 2s, 4s}) {
    EXPECT_EQ(wait(), expected);
    now += wait();
    deletions.count(deed, now);
  }
  EXPECT_EQ(deletions.wait({.key = {"team", "other"}, .why = Why::not_covered}, now), std::nullopt);
  now += 2min;
  EXPECT_EQ(wait(), 0ms);
  deletions.count(deed, now);
  EXPECT_EQ(wait(), 0ms) << "it begins anew";
  for (int again = 0; again < 8; ++again) {
    deletions.count(deed, now);
  }
  EXPECT_GT(wait(), 0ms);
  deletions.forget(deed);
  EXPECT_EQ(wait(), 0ms);
}

TEST(Repetitions, OfVeryManyAreNotAllKept) {
  Repetitions deletions;
  std::chrono::steady_clock::time_point now{1h};
  const auto deed = [](int i) { return Deed{.key = {"n" + std::to_string(i), "cred"}, .why = Why::not_covered}; };
  const auto repeat = [&](int i) {
    for (int again = 0; again < 6; ++again) {
      deletions.count(deed(i), now);
    }
  };
  for (int i = 0; i < 10'000; ++i) {
    repeat(i);
  }
  EXPECT_TRUE(deletions.wait(deed(1), now));
  EXPECT_FALSE(deletions.wait(deed(9999), now));
  now += 2min;
  repeat(9999);
  EXPECT_TRUE(deletions.wait(deed(9999), now)) << "the others are over";
}

}  // namespace
}  // namespace regsync
