#include "sync/kube/http/answer_batches.hpp"

#include <gtest/gtest.h>

namespace regsync::kube {
namespace {

using std::chrono::milliseconds;

// After many requests like this.
AnswerBatches after(milliseconds taken, std::int64_t bytes, milliseconds handshake, bool multiplexed = true) {
  AnswerBatches batches;
  batches.note_handshake(handshake);
  for (int i = 0; i < 100; ++i) {
    batches.note_answer(taken, bytes, multiplexed);
  }
  return batches;
}

TEST(AnswerBatches, PayWhereManyRequestsShareAConnection) {
  EXPECT_FALSE(AnswerBatches().pay(1000)) << "nothing is known";
  const auto batches = after(milliseconds(40), 1000, milliseconds(1));
  EXPECT_TRUE(batches.pay(AnswerBatches::many));
  EXPECT_FALSE(batches.pay(AnswerBatches::many - 1));
  EXPECT_FALSE(after(milliseconds(40), 1000, milliseconds(1), false).pay(1000)) << "each has its own";
}

TEST(AnswerBatches, AreAThirdOfWhatIsUnderWay) {
  const auto batch = after(milliseconds(30), 900, milliseconds(0)).next(20);
  ASSERT_TRUE(batch);
  EXPECT_NEAR(batch->bytes, 6000.0, 600.0);
  EXPECT_NEAR(std::chrono::duration<double>(batch->time).count(), 0.010, 0.001);
}

TEST(AnswerBatches, DoNotCountWhatIsOnItsWay) {
  const auto near = after(milliseconds(30), 900, milliseconds(0)).next(20);
  const auto far = after(milliseconds(30), 900, milliseconds(15)).next(20);
  ASSERT_TRUE(near && far);
  EXPECT_NEAR(far->bytes, 0.5 * near->bytes, 0.1 * near->bytes);
  EXPECT_LT(far->time, near->time);
  EXPECT_FALSE(after(milliseconds(30), 900, milliseconds(30)).next(20)) << "the server takes no time at all";
}

TEST(AnswerBatches, AreNotWorthATimerWhereAServerIsFast) {
  EXPECT_FALSE(after(milliseconds(2), 900, milliseconds(0)).next(1000));
  EXPECT_FALSE(AnswerBatches().next(1000));
}

TEST(AnswerBatches, NeverWaitLongNorForMuch) {
  const auto batch = after(std::chrono::seconds(10), 1'000'000, milliseconds(1)).next(1000);
  ASSERT_TRUE(batch);
  EXPECT_LE(batch->time, milliseconds(20));
  EXPECT_LE(batch->bytes, 64 * 1024);
  EXPECT_EQ(after(milliseconds(30), 0, milliseconds(0)).next(20)->bytes, 1) << "nor for nothing";
}

TEST(AnswerBatches, TheFastestHandshakeIsTheNetworks) {
  auto batches = after(milliseconds(30), 900, milliseconds(5));
  const auto before = batches.next(20);
  batches.note_handshake(milliseconds(25));
  EXPECT_EQ(batches.next(20)->bytes, before->bytes) << "a slow one is the server's";
}

}  // namespace
}  // namespace regsync::kube
