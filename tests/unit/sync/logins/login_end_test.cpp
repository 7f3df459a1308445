#include "sync/logins/login_end.hpp"

#include <gtest/gtest.h>

#include "sync/base/base64.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

std::string token(const std::string& claims) { return "e30." + base64_encode(claims) + ".x"; }

std::optional<std::chrono::system_clock::time_point> at(const std::optional<LoginEnd>& end) {
  return end ? std::optional(end->at) : std::nullopt;
}

const std::chrono::sys_seconds noon(1'790'000'000s);

TEST(LoginEnd, ATokenOfEcrSaysItself) {
  const std::string text = R"({"payload":"p","datakey":"k","version":"2","type":"DATA_KEY","expiration":1790040000})";
  const Credential login{{"1.dkr.ecr.eu-west-1.amazonaws.com", "AWS"}, SecretString(base64_encode(text))};
  const auto end = end_of(login, {}, {.since = noon});
  EXPECT_EQ(at(end), noon + 40000s);
  EXPECT_TRUE(end && end->short_lived);
}

TEST(LoginEnd, TokensOfCloudsLiveAsLongAsTheirCloudSays) {
  const auto lifetime = [](const char* server, const char* username, const char* helper) {
    const auto end = end_of({{server, username}, SecretString("opaque")}, {}, {.helper = helper, .since = noon});
    return end ? std::chrono::duration_cast<std::chrono::hours>(end->at - noon).count() : 0;
  };
  EXPECT_EQ(lifetime("1.dkr.ecr.eu-west-1.amazonaws.com", "AWS", ""), 12);
  EXPECT_EQ(lifetime("public.ecr.aws", "AWS", ""), 12);
  EXPECT_EQ(lifetime("europe-docker.pkg.dev", "oauth2accesstoken", ""), 1);
  EXPECT_EQ(lifetime("work@eu.gcr.io", "_dcgcloud_token", "gcloud"), 1);
  EXPECT_EQ(lifetime("acme.azurecr.io", "00000000-0000-0000-0000-000000000000", ""), 3);
  EXPECT_EQ(lifetime("acme.azurecr.cn", "00000000-0000-0000-0000-000000000000", ""), 3);
  EXPECT_EQ(lifetime("acme.azurecr.io", "a-service-principal", ""), 0) << "a password that lives for months";
  EXPECT_EQ(lifetime("europe-docker.pkg.dev", "_json_key", ""), 0) << "a key";
  EXPECT_EQ(lifetime("ghcr.io", "me", "pass"), 0) << "a helper that only keeps a password";
  EXPECT_FALSE(end_of({{"gcr.io", "oauth2accesstoken"}, SecretString("opaque")}, {})) << "since when is not known";
}

TEST(LoginEnd, OfAShortLivedLoginIsUrgentOnlyOnceItIsOver) {
  EXPECT_FALSE(urgency({noon + 1h, true}, noon));
  EXPECT_EQ(urgency({noon - 1s, true}, noon), 0);
  const Credential minted{{"ghcr.io", "me"}, SecretString(token(R"({"exp":1790003600})"))};
  EXPECT_TRUE(end_of(minted, {}, {.since = noon})->short_lived);
  EXPECT_FALSE(end_of(minted, {}, {.since = noon - 48h})->short_lived);
  EXPECT_FALSE(end_of(minted, {})->short_lived) << "since when is not known";
}

TEST(LoginEnd, OddPasswordsSayNothing) {
  for (const std::string& odd : {base64_encode(R"({"expiration":"soon"})"), base64_encode(R"({"expiration":1e99})"),
                                 base64_encode("[1]"), std::string(1 << 20, 'A'), std::string("e30.e30.e30")}) {
    EXPECT_FALSE(end_of({{"ghcr.io", "me"}, SecretString(odd)}, {}));
  }
}

TEST(LoginEnd, IsWhatFilesSayElseWhatTheTokenSays) {
  const Credential login{{"ghcr.io", "me"}, SecretString(token(R"({"exp":1000000002})"))};
  EXPECT_EQ(at(end_of(login, {})), std::chrono::sys_seconds(1000000002s));
  TargetFiles targets;
  targets["t"].target = Target();
  targets["t"].target->expires["https://ghcr.io"] = std::chrono::sys_days(std::chrono::year(2027) / 1 / 31);
  const LoginEnds said = ends_said({{"ghcr.io", std::chrono::sys_days(std::chrono::year(2028) / 1 / 1)}}, targets);
  EXPECT_EQ(at(end_of(login, said)), std::chrono::sys_days(std::chrono::year(2027) / 1 / 31));
  EXPECT_FALSE(end_of({{"quay.io", "me"}, SecretString("opaque")}, said));
}

TEST(LoginEnd, AYearThatIsMeantAsNeverIsFarAway) {
  const LoginEnds said = ends_said({{"ghcr.io", std::chrono::year(9999) / 12 / 31}}, {});
  const auto end = end_of({{"ghcr.io", "me"}, SecretString("x")}, said);
  ASSERT_TRUE(end);
  EXPECT_FALSE(urgency(*end, noon)) << "neither over nor near";
  const auto of_token = end_of({{"ghcr.io", "me"}, SecretString(token(R"({"exp":253402300799})"))}, {});
  ASSERT_TRUE(of_token);
  EXPECT_FALSE(urgency(*of_token, noon));
}

TEST(LoginEnd, BecomesMoreUrgentAtFourteenThreeAndOneDays) {
  EXPECT_FALSE(urgency({noon + 337h, false}, noon));
  EXPECT_EQ(urgency({noon + 336h, false}, noon), 14);
  EXPECT_EQ(urgency({noon + 73h, false}, noon), 14);
  EXPECT_EQ(urgency({noon + 72h, false}, noon), 3);
  EXPECT_EQ(urgency({noon + 24h, false}, noon), 1);
  EXPECT_EQ(urgency({noon + 0h, false}, noon), 0);
  EXPECT_EQ(urgency({noon + -1h, false}, noon), 0);
}

}  // namespace
}  // namespace regsync
