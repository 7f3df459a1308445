#include "sync/base/random_time.hpp"

#include <gtest/gtest.h>

#include <set>

namespace regsync {
namespace {

using namespace std::chrono_literals;

TEST(RandomTime, IsWithinItsBoundsAndReachesBoth) {
  std::set<std::chrono::milliseconds> seen;
  while (seen.size() < 3) {  // of 2, 3 and 4
    const auto time = random_time(2ms, 4ms);
    ASSERT_GE(time, 2ms);
    ASSERT_LE(time, 4ms);
    seen.insert(time);
  }
  EXPECT_EQ(random_time(5ms, 5ms), 5ms);
}

TEST(RandomTime, ALittleMoreIsUpToAQuarter) {
  for (int i = 0; i < 1000; ++i) {
    const auto time = a_little_more(100ms);
    ASSERT_GE(time, 100ms);
    ASSERT_LE(time, 125ms);
  }
  EXPECT_EQ(a_little_more(0ms), 0ms);
}

}  // namespace
}  // namespace regsync
