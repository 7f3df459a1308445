#include "sync/cli/ask/pull_trials.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <utility>

#include "sync/base/base64.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_registry.hpp"

namespace regsync::cli {
namespace {

using test::page;
using test::ScriptedRegistry;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string basic(const std::string& user) { return "Basic " + base64_encode(user + ":canary"); }

const std::string asks_for_basic = page("401 Unauthorized", "", "WWW-Authenticate: Basic realm=x");
const std::string has_image = page("200 OK", "", "Content-Type: application/vnd.oci.image.index.v1+json");

class PullTrialsTest : public testing::Test {
 protected:
  // Tries these users' logins, in this order.
  std::vector<PullTrial> run(const std::string& host, const std::string& repository,
                             const std::vector<std::string>& users = {"jdoe"}) {
    PullLookup lookup;
    for (const std::string& user : users) {
      lookup.entries.push_back({"s", host, host, user, SecretString("canary")});
    }
    for (const KubeletEntry& entry : lookup.entries) {
      lookup.offered.push_back(&entry);
    }
    return test::run(io_, trials_.run({host, repository, "1"}, lookup));
  }

  asio::io_context io_;
  PullTrials trials_;
};

TEST_F(PullTrialsTest, TroubleWithOneImageIsNotThatOfTheNext) {
  ScriptedRegistry registry([](const std::string& request) {
    if (!holds(request, basic("jdoe"))) {
      return asks_for_basic;
    }
    return holds(request, "/broken/") ? page("500 Oops", "") : has_image;
  });
  EXPECT_EQ(run(registry.address(), "broken").back().answer.verdict, PullVerdict::unreachable);
  EXPECT_EQ(run(registry.address(), "app").back().answer.verdict, PullVerdict::can_pull);
}

TEST_F(PullTrialsTest, TroubleWithOneLoginIsNotThatOfTheNext) {
  std::string realm;
  ScriptedRegistry registry([&](const std::string& request) {
    if (holds(request, "GET /token")) {
      return holds(request, basic("good")) ? page("200 OK", R"({"token":"t"})") : page("400 Bad Request", "");
    }
    return holds(request, "Bearer t")
               ? has_image
               : page("401 Unauthorized", "", "WWW-Authenticate: Bearer realm=\"" + realm + "\"");
  });
  realm = "http://" + registry.address() + "/token";
  const auto trials = run(registry.address(), "app", {"odd", "good"});
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[1].answer.verdict, PullVerdict::can_pull);
}

// The registry has images for everybody, and so asks for a login only where it is needed.
TEST_F(PullTrialsTest, ALoginIsGoodOnlyIfTheRegistryAskedForIt) {
  ScriptedRegistry registry(
      [](const std::string& request) { return holds(request, "/v2/ HTTP") ? page("200 OK", "{}") : asks_for_basic; });
  for (const char* repository : {"one", "two"}) {
    const auto trials = run(registry.address(), repository);
    EXPECT_EQ(trials.back().answer.verdict, PullVerdict::denied);
    EXPECT_FALSE(trials.back().login_good);
  }
  EXPECT_FALSE(holds(registry.received(), "/v2/two")) << "a refused password is tried once";
}

TEST_F(PullTrialsTest, ALoginThatTheRegistryTakesMayPullOtherImagesThanThis) {
  ScriptedRegistry registry([](const std::string& request) {
    if (!holds(request, basic("jdoe"))) {
      return asks_for_basic;
    }
    return holds(request, "/v2/ HTTP")  ? page("200 OK", "{}")
           : holds(request, "/secret/") ? page("403 Forbidden", "")
                                        : has_image;
  });
  const auto secret = run(registry.address(), "secret");
  EXPECT_EQ(secret.back().answer.verdict, PullVerdict::denied);
  EXPECT_TRUE(secret.back().login_good);
  EXPECT_EQ(run(registry.address(), "app").back().answer.verdict, PullVerdict::can_pull);
}

}  // namespace
}  // namespace regsync::cli
