#include "sync/kube/http/retry_after.hpp"

#include <gtest/gtest.h>

namespace regsync::kube {
namespace {

using std::chrono::seconds;

constexpr const char* now = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(RetryAfter, IsSeconds) {
  EXPECT_EQ(parse_retry_after("0", ""), seconds(0));
  EXPECT_EQ(parse_retry_after("7", ""), seconds(7));
}

TEST(RetryAfter, IsFiveMinutesAtMost) {
  for (const char* value : {"301", "2147483647", "2147483648", "9223372036854775807", "99999999999999999999999999"}) {
    EXPECT_EQ(parse_retry_after(value, ""), longest_retry_after) << value;
  }
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", now), longest_retry_after);
}

TEST(RetryAfter, ADateCountsFromTheServersOwn) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), seconds(60));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), seconds(0)) << "which is over";
  EXPECT_FALSE(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", "")) << "without that, it means nothing";
}

TEST(RetryAfter, AnythingElseIsNoWish) {
  for (const char* value : {"", "-1", "+7", "7s", "1.5", "0x10", " 7", "soon", "Sun, 99 Foo 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_retry_after(value, now)) << value;
  }
}

}  // namespace
}  // namespace regsync::kube
