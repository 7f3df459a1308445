#include "sync/kube/http/stalled_answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>

#include "sync/kube/http/curl_endpoint.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync::kube {
namespace {

using std::chrono::milliseconds;

class Part final : public PartialAnswer {
 public:
  explicit Part(bool stream = false) : stream_(stream) {}
  [[nodiscard]] bool is_stream() const override { return stream_; }
  [[nodiscard]] curl_off_t body_bytes() const override { return bytes; }
  void ask() override { ++asked; }

  curl_off_t bytes = 0;
  int asked = 0;

 private:
  bool stream_;
};

class StalledAnswersTest : public testing::Test {
 protected:
  // A turn of libcurl in which bytes came, or none.
  void turn(bool heard = true) {
    if (heard) {
      peer_.hear();
    }
    peer_.end_turn();
    stalled_.end_turn();
  }
  void run_for(milliseconds time) {
    test::run_until(loop_, [] { return false; }, time);
  }

  asio::io_context loop_;
  int read_again_ = 0;
  bool may_ask_ = true;
  SilentPeer peer_{loop_.get_executor(), Patience(), false, [] {}};
  StalledAnswers stalled_{loop_.get_executor(), peer_, true, [this] { ++read_again_; }, [this] { return may_ask_; }};
};

TEST_F(StalledAnswersTest, AnAnswerWhoseBufferMayBeFullIsReadOnceMoreForEachPieceOfIt) {
  Part part;
  stalled_.begin(part);
  part.bytes = answer_buffer - 1;
  turn();
  EXPECT_EQ(read_again_, 0);
  part.bytes = answer_buffer;
  turn();
  EXPECT_EQ(read_again_, 1);
  turn();
  EXPECT_EQ(read_again_, 1) << "it took nothing";
  stalled_.end(part);
  part.bytes *= 2;
  turn();
  EXPECT_EQ(read_again_, 1) << "it is over";
}

TEST_F(StalledAnswersTest, TheRestOfAnAnswerIsAskedForOnceWhenThePeerIsSilent) {
  Part part;
  stalled_.begin(part);
  part.bytes = 100;
  turn();
  EXPECT_TRUE(test::run_until(loop_, [&] { return part.asked == 1; }));
  run_for(milliseconds(150));
  EXPECT_EQ(part.asked, 1);
  part.bytes = 200;
  turn();
  EXPECT_TRUE(test::run_until(loop_, [&] { return part.asked == 2; })) << "of the next part too";
}

TEST_F(StalledAnswersTest, NobodyIsAskedWhileThePeerIsHeard) {
  Part part;
  stalled_.begin(part);
  turn();
  milliseconds longest_silence(0);
  for (int i = 0; i < 15; ++i) {
    const auto heard = std::chrono::steady_clock::now();
    run_for(milliseconds(10));
    turn();
    longest_silence =
        std::max(longest_silence, std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - heard));
  }
  EXPECT_TRUE(part.asked == 0 || longest_silence >= milliseconds(50)) << "this machine did not stand still";
}

TEST_F(StalledAnswersTest, AStreamHasNoRest) {
  Part stream(true);
  stalled_.begin(stream);
  turn();
  run_for(milliseconds(150));
  EXPECT_EQ(stream.asked, 0);
}

TEST_F(StalledAnswersTest, NobodyAsksWhereThatIsUnderWayOrSwitchedOff) {
  Part part;
  may_ask_ = false;
  stalled_.begin(part);
  turn();
  StalledAnswers off(loop_.get_executor(), peer_, false, [this] { ++read_again_; }, [] { return true; });
  Part other;
  off.begin(other);
  other.bytes = 10 * answer_buffer;
  off.end_turn();
  run_for(milliseconds(150));
  EXPECT_EQ(part.asked + other.asked, 0);
  EXPECT_EQ(read_again_, 0);
}

}  // namespace
}  // namespace regsync::kube
