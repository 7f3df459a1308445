#include "sync/base/backoff.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheLongestPauseAndBeginsAnewAfterASuccess) {
  Backoff backoff({.first = 1s, .longest = 5s});
  for (const auto expected : {1s, 2s, 4s, 5s, 5s}) {
    EXPECT_EQ(backoff.pause(), expected);
    backoff.grow();
  }
  backoff.reset();
  EXPECT_EQ(backoff.pause(), 1s);
}

}  // namespace
}  // namespace regsync
