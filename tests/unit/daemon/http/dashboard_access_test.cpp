#include "daemon/http/dashboard_access.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

using namespace std::chrono_literals;

TEST(DashboardAccess, ATokenCountsOnce) {
  DashboardAccess access;
  const auto now = DashboardAccess::Clock::now();
  const auto token = access.make_token(now);
  EXPECT_GE(token.size(), 32U);
  EXPECT_FALSE(access.allows(token)) << "a token is no key";
  const auto key = access.exchange(token, now);
  ASSERT_TRUE(key);
  EXPECT_NE(*key, token);
  EXPECT_TRUE(access.allows(*key));
  EXPECT_FALSE(access.exchange(token, now));
}

TEST(DashboardAccess, ATokenCountsForAMinute) {
  DashboardAccess access;
  const auto now = DashboardAccess::Clock::now();
  const auto token = access.make_token(now);
  EXPECT_FALSE(access.exchange(token, now + 61s));
  EXPECT_FALSE(access.exchange(token, now)) << "and not again";
}

TEST(DashboardAccess, NothingElseIsAKey) {
  DashboardAccess access;
  EXPECT_FALSE(access.exchange("", DashboardAccess::Clock::now()));
  for (const char* text : {"", "x"}) {
    EXPECT_FALSE(access.allows(text)) << text;
  }
}

}  // namespace
}  // namespace regsync
