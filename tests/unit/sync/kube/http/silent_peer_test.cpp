#include "sync/kube/http/silent_peer.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <stdexcept>

#include "tests/support/run_coroutine.hpp"

namespace regsync::kube {
namespace {

using std::chrono::milliseconds;

constexpr Patience patience{.silence = milliseconds(70), .quiet = milliseconds(100'000), .answer = milliseconds(70)};

class SilentPeerTest : public ::testing::Test {
 protected:
  bool is_asked(milliseconds time = std::chrono::seconds(30)) {
    asked_ = 0;
    return test::run_until(loop_, [this] { return asked_ > 0; }, time);
  }
  // For a time in which it would be asked twice over.
  bool is_left_in_peace() { return !is_asked(milliseconds(300)); }

  asio::io_context loop_;
  int asked_ = 0;
  SilentPeer peer_{loop_.get_executor(), patience, true, [this] { ++asked_; }};
};

TEST_F(SilentPeerTest, IsAskedWhileARequestWaits) {
  peer_.wait_for(1, 1);
  EXPECT_TRUE(is_asked());
  EXPECT_TRUE(is_asked()) << "and again, for who asked may be gone";
}

TEST_F(SilentPeerTest, IsNotAskedWhereNobodyWaits) {
  EXPECT_TRUE(is_left_in_peace());
  peer_.wait_for(1, 1);
  peer_.wait_for(0, 0);
  EXPECT_TRUE(is_left_in_peace());
}

TEST_F(SilentPeerTest, IsLeftInPeaceLongerWhereOnlyStreamsWait) {
  peer_.wait_for(1, 0);
  EXPECT_TRUE(is_left_in_peace());
  peer_.wait_for(2, 1);
  EXPECT_TRUE(is_asked());
}

TEST_F(SilentPeerTest, IsNotSilentOnceItWasHeard) {
  peer_.wait_for(1, 1);
  EXPECT_TRUE(test::run_until(loop_, [this] { return peer_.is_silent_for(milliseconds(30)); }));
  peer_.hear();
  EXPECT_TRUE(peer_.is_silent_for(milliseconds(30))) << "until the turn of libcurl ends";
  peer_.end_turn();
  EXPECT_FALSE(peer_.is_silent_for(milliseconds(30)));
}

TEST_F(SilentPeerTest, IsNeverAskedWhereThatIsSwitchedOff) {
  SilentPeer other(loop_.get_executor(), patience, false, [this] { ++asked_; });
  other.wait_for(1, 1);
  EXPECT_TRUE(is_left_in_peace());
}

TEST_F(SilentPeerTest, AnExceptionOfWhoAsksDoesNotEndTheAsking) {
  int asked = 0;
  SilentPeer other(loop_.get_executor(), patience, true, [&] {
    ++asked;
    throw std::runtime_error("a defect");
  });
  other.wait_for(1, 1);
  EXPECT_TRUE(test::run_until(loop_, [&] { return asked == 2; }));
}

}  // namespace
}  // namespace regsync::kube
