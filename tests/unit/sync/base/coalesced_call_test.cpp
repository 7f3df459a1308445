#include "sync/base/coalesced_call.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

namespace regsync {
namespace {

using namespace std::chrono_literals;

class CoalescedCallTest : public testing::Test {
 protected:
  asio::io_context io_;
  int calls_ = 0;
  CoalescedCall call_{io_.get_executor(), 1ms, "test", [this] { ++calls_; }};
};

TEST_F(CoalescedCallTest, ManyAsksAreOneCall) {
  call_.ask();
  call_.ask();
  call_.ask();
  io_.run();
  EXPECT_EQ(calls_, 1);
}

TEST_F(CoalescedCallTest, AnAskAfterTheCallIsAnother) {
  call_.ask();
  io_.run();
  call_.ask();
  io_.restart();
  io_.run();
  EXPECT_EQ(calls_, 2);
}

TEST_F(CoalescedCallTest, NothingIsCalledAfterCancel) {
  call_.ask();
  call_.cancel();
  io_.run();
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace regsync
