#include "daemon/http/fleet_site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace regsync {
namespace {

using testing::HasSubstr;

class FleetSiteTest : public testing::Test {
 protected:
  [[nodiscard]] FleetSite site(FleetSite::Audience audience) {
    return {{.report =
                 [this] {
                   if (failure_) {
                     throw Error(*failure_);
                   }
                   return report_;
                 },
             .turns = [this] { return turns_; },
             .metrics = metrics_,
             .hosts = {"fleet.example.com"},
             .is_own = [this](const HttpRequest&) { return own_; }},
            audience,
            audience == FleetSite::Audience::desktop ? &access_ : nullptr};
  }
  static HttpRequest get(std::string_view path, std::string_view host = "127.0.0.1:9464") {
    return {.method = "GET", .path = path, .host = host};
  }

  std::shared_ptr<const FleetReport> report_ = std::make_shared<const FleetReport>();
  std::optional<Error> failure_;
  bool turns_ = true;
  bool own_ = true;
  Metrics metrics_;
  DashboardAccess access_;
  FleetSite cluster_ = site(FleetSite::Audience::cluster);
  FleetSite monitoring_ = site(FleetSite::Audience::monitoring);
  FleetSite desktop_ = site(FleetSite::Audience::desktop);
};

TEST_F(FleetSiteTest, EachAudienceGetsWhatIsForIt) {
  const auto statuses = [](const FleetSite& site) {
    std::vector<int> answers;
    for (const char* path : {"/livez", "/readyz", "/metrics", "/status.json", "/", "/session", "/etc/passwd"}) {
      answers.push_back(site.answer(get(path)).status);
    }
    return answers;
  };
  EXPECT_EQ(statuses(cluster_), (std::vector{200, 200, 200, 200, 200, 404, 404}));
  EXPECT_EQ(statuses(monitoring_), (std::vector{200, 200, 200, 404, 404, 404, 404}));
  EXPECT_EQ(statuses(desktop_), (std::vector{200, 200, 404, 401, 200, 405, 404}));
}

TEST_F(FleetSiteTest, AForeignNameGetsNothing) {
  for (const char* host : {"evil.example", "evil.example:9464", "", ":9464", "127.0.0.1.evil.example:1",
                           "localhost.evil.example", "x.svc.evil.example", "[::1", "127.0.0.1@evil.example"}) {
    EXPECT_EQ(cluster_.answer(get("/status.json", host)).status, 403) << host;
    EXPECT_EQ(monitoring_.answer(get("/metrics", host)).status, 403) << host;
    EXPECT_EQ(desktop_.answer(get("/", host)).status, 403) << host;
  }
  for (const char* host : {"10.1.2.3:9464", "[fd00::1]:9464", "LOCALHOST:80", "localhost", "fleet.example.com"}) {
    EXPECT_EQ(monitoring_.answer(get("/metrics", host)).status, 200) << host;
  }
  for (const char* host : {"regsync:9464", "regsync.ops.svc:9464", "regsync.ops.svc.cluster.local"}) {
    EXPECT_EQ(cluster_.answer(get("/status.json", host)).status, 200) << host;
    EXPECT_EQ(desktop_.answer(get("/", host)).status, 403) << host;
  }
}

TEST_F(FleetSiteTest, OnlyReads) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const auto answer = cluster_.answer({.method = method, .path = "/status.json", .host = "localhost"});
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.allow, "GET, HEAD") << method;
  }
  EXPECT_EQ(desktop_.answer(get("/session")).allow, "POST");
}

TEST_F(FleetSiteTest, AnEqualReportIsNotSentAgain) {
  const auto first = cluster_.answer(get("/status.json"));
  ASSERT_FALSE(first.etag.empty());
  HttpRequest again = get("/status.json");
  again.none_match = first.etag;
  report_ = std::make_shared<const FleetReport>();  // made anew, and equal
  EXPECT_EQ(cluster_.answer(again).status, 304);
  FleetReport other;
  other.role = "stands by";
  report_ = std::make_shared<const FleetReport>(other);
  EXPECT_EQ(cluster_.answer(again).status, 200);
}

TEST_F(FleetSiteTest, IsReadyWhenTheFirstListsAreDone) {
  FleetReport report;
  report.role = "leads";
  report.overview.contexts = {{.name = "dev", .server = "s", .connected = false, .problem = {}}};
  report_ = std::make_shared<const FleetReport>(report);
  EXPECT_EQ(cluster_.answer(get("/readyz")).status, 503);
  report.overview.contexts[0].connected = true;
  report_ = std::make_shared<const FleetReport>(report);
  const auto answer = cluster_.answer(get("/readyz"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(*answer.body, HasSubstr("role: leads"));
}

TEST_F(FleetSiteTest, IsNotAliveWhenTheEventLoopDoesNotAnswer) {
  report_ = nullptr;
  turns_ = false;
  for (const char* path : {"/livez", "/readyz", "/metrics", "/status.json"}) {
    EXPECT_EQ(cluster_.answer(get(path)).status, 503) << path;
  }
  EXPECT_EQ(cluster_.answer(get("/")).status, 200) << "the page says so itself";
}

// To start the process again would mend nothing.
TEST_F(FleetSiteTest, IsAliveWhereTheReportCannotBeMade) {
  failure_ = Error(ErrorCode::internal, "a defect");
  EXPECT_EQ(cluster_.answer(get("/livez")).status, 200);
  for (const char* path : {"/readyz", "/metrics", "/status.json"}) {
    EXPECT_THROW(cluster_.answer(get(path)), Error) << path;  // HttpServer answers 500
  }
}

TEST_F(FleetSiteTest, ADesktopsDataIsForWhoeverExchangedAToken) {
  const auto token = access_.make_token(DashboardAccess::Clock::now());
  const HttpRequest exchange{.method = "POST", .path = "/session", .host = "127.0.0.1:1", .bearer = token};
  own_ = false;
  EXPECT_EQ(desktop_.answer(exchange).status, 403) << "of another user, who saw it in the arguments of a browser";
  own_ = true;
  const auto key = desktop_.answer(exchange);
  ASSERT_EQ(key.status, 200);
  EXPECT_EQ(desktop_.answer(exchange).status, 403);
  HttpRequest request = get("/status.json");
  request.bearer = *key.body;
  EXPECT_EQ(desktop_.answer(request).status, 200);
  request.bearer = "x";
  EXPECT_EQ(desktop_.answer(request).status, 401);
}

TEST_F(FleetSiteTest, ThePageLoadsNothingFromElsewhere) {
  const auto page = cluster_.answer(get("/"));
  EXPECT_THAT(page.policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.policy, HasSubstr("script-src 'sha256-"));
  HttpRequest again = get("/");
  again.none_match = page.etag;
  EXPECT_EQ(cluster_.answer(again).status, 304);
  EXPECT_EQ(cluster_.answer(again).policy, page.policy) << "what the browser kept is shown under this one";
  EXPECT_EQ(page.body->find("src="), std::string::npos);
  EXPECT_EQ(page.body->find("https://"), std::string::npos);
}

}  // namespace
}  // namespace regsync
