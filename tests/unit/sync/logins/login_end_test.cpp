#include "sync/logins/login_end.hpp"

#include <gtest/gtest.h>

#include "sync/base/base64.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

std::string token(const std::string& claims) { return "e30." + base64_encode(claims) + ".x"; }

TEST(LoginEnd, IsWhatFilesSayElseWhatTheTokenSays) {
  const Credential login{{"ghcr.io", "me"}, SecretString(token(R"({"exp":1000000002})"))};
  EXPECT_EQ(end_of(login, {}), std::chrono::sys_seconds(1000000002s));
  TargetFiles targets;
  targets["t"].target = Target();
  targets["t"].target->expires["https://ghcr.io"] = std::chrono::sys_days(std::chrono::year(2027) / 1 / 31);
  const LoginEnds said = ends_said({{"ghcr.io", std::chrono::sys_days(std::chrono::year(2028) / 1 / 1)}}, targets);
  EXPECT_EQ(end_of(login, said), std::chrono::sys_days(std::chrono::year(2027) / 1 / 31));
  EXPECT_FALSE(end_of({{"quay.io", "me"}, SecretString("opaque")}, said));
}

TEST(LoginEnd, BecomesMoreUrgentAtFourteenThreeAndOneDays) {
  EXPECT_FALSE(urgency(337h));
  EXPECT_EQ(urgency(336h), 14);
  EXPECT_EQ(urgency(73h), 14);
  EXPECT_EQ(urgency(72h), 3);
  EXPECT_EQ(urgency(24h), 1);
  EXPECT_EQ(urgency(0h), 0);
  EXPECT_EQ(urgency(-1h), 0);
}

}  // namespace
}  // namespace regsync
