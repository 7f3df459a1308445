#include "sync/cluster/healer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;

class HealerTest : public testing::Test {
 protected:
  HealerTest() {
    kube_.make_namespace("team");
    PullEntries entries;
    entries["ghcr.io"] = {"me", SecretString("p"), ""};
    payload_ = std::make_shared<const Payload>(entries);
  }
  void TearDown() override { test::run(loop_, healer_.stop()); }

  void make_pod(const std::string& name, const json& pull_secrets = {{{"name", "cred"}}},
                const json& annotations = json::object()) {
    kube_.put(
        {"pods", "team", name},
        {{"metadata",
          {{"name", name},
           {"annotations", annotations},
           {"ownerReferences",
            {{{"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"}, {"name", "app"}, {"controller", true}}}}}},
         {"spec",
          {{"imagePullSecrets", pull_secrets}, {"containers", {{{"name", "main"}, {"image", "ghcr.io/acme/app"}}}}}},
         {"status",
          {{"phase", "Pending"},
           {"containerStatuses", {{{"name", "main"}, {"state", {{"waiting", {{"reason", "ImagePullBackOff"}}}}}}}}}}});
  }
  [[nodiscard]] bool is_there(const std::string& name) const { return kube_.find({"pods", "team", name}).has_value(); }
  [[nodiscard]] std::size_t lists() const { return kube_.count("list", "pods"); }
  void answer_version(const std::string& minor) {
    kube_.transport.answer("GET", "/version", 200, {{"major", "1"}, {"minor", minor}});
  }
  bool until(const std::function<bool()>& holds) { return test::run_until(loop_, holds); }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  kube::KubeClient client_{test::context_of_test(), kube_.transport.connect()};
  std::shared_ptr<const Payload> payload_;
  std::vector<std::string> evicted_;
  bool wanted_ = true;
  Healer healer_{loop_.get_executor(),
                 client_,
                 {.on_evicted = [this](const Change& change) { evicted_.push_back(describe(change)); },
                  .is_wanted = [this](const Key& /*key*/, const std::string& /*target*/,
                                      const std::string& /*service_account*/) { return wanted_; }},
                 Healer::Limits{.evictions = 2, .minute = 1s, .pause = 5ms, .rounds = 1000}};
};

TEST_F(HealerTest, EvictsWhatTheRepairCures) {
  make_pod("app-1");
  make_pod("other", {{{"name", "another"}}});
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return !is_there("app-1"); }));
  EXPECT_TRUE(is_there("other"));
  EXPECT_THAT(evicted_, ElementsAre("pod app-1 evicted: it could not pull, and what it waited for was repaired"));
}

TEST_F(HealerTest, EvictsAFewAMinute) {
  for (const char* name : {"app-1", "app-2", "app-3"}) {
    make_pod(name);
  }
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return evicted_.size() == 2; }));
  test::run_until(loop_, [&] { return evicted_.size() > 2; }, 50ms);
  EXPECT_EQ(evicted_.size(), 2U);
  EXPECT_TRUE(until([&] { return evicted_.size() == 3; })) << "in the next minute";
}

TEST_F(HealerTest, LeavesAProtectedPodUntilItMayGo) {
  make_pod("app-1", {{{"name", "cred"}}}, {{"protected", "yes"}});
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return kube_.count("create", "pods/eviction") > 2; }));
  EXPECT_TRUE(is_there("app-1"));
  EXPECT_TRUE(evicted_.empty());
  kube_.edit({"pods", "team", "app-1"}, [](json& pod) { pod["metadata"].erase("annotations"); });
  EXPECT_TRUE(until([&] { return !is_there("app-1"); }));
}

TEST_F(HealerTest, LeavesWhatFailsWithItsPod) {
  make_pod("app-1");
  make_pod("build-1");
  kube_.edit({"pods", "team", "build-1"}, [](json& pod) {
    pod["metadata"]["ownerReferences"] = {
        {{"apiVersion", "argoproj.io/v1alpha1"}, {"kind", "Workflow"}, {"name", "build"}, {"controller", true}}};
  });
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return !is_there("app-1"); }));
  EXPECT_TRUE(is_there("build-1"));
}

// It was given the repaired Secret from the beginning.
TEST_F(HealerTest, LeavesAPodThatWasMadeAfterTheRepair) {
  const auto tries = [&] { return kube_.count("create", "pods/eviction"); };
  make_pod("app-1", {{{"name", "cred"}}}, {{"protected", "yes"}});
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  ASSERT_TRUE(until([&] { return tries() > 0; }));
  make_pod("app-2");
  const auto before = tries();
  ASSERT_TRUE(until([&] { return tries() > before + 1; })) << "pods were looked at again";
  EXPECT_TRUE(is_there("app-2"));
  kube_.edit({"pods", "team", "app-1"}, [](json& pod) { pod["metadata"].erase("annotations"); });
  EXPECT_TRUE(until([&] { return !is_there("app-1"); }));
  EXPECT_TRUE(is_there("app-2"));
}

TEST_F(HealerTest, OfAServiceAccountThosePodsThatNameNoSecret) {
  make_pod("app-1");
  make_pod("app-2", json::array());
  healer_.repaired({"team", "cred"}, "t", "default", payload_);
  EXPECT_TRUE(until([&] { return !is_there("app-2"); }));
  EXPECT_TRUE(is_there("app-1"));
}

TEST_F(HealerTest, EvictsNothingOnceTheRepairIsNotWantedAnyMore) {
  make_pod("app-1", {{{"name", "cred"}}}, {{"protected", "yes"}});
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return kube_.count("create", "pods/eviction") > 0; }));
  wanted_ = false;
  kube_.edit({"pods", "team", "app-1"}, [](json& pod) { pod["metadata"].erase("annotations"); });
  kube_.forget_requests();
  test::run_until(loop_, [&] { return !is_there("app-1"); }, 50ms);
  EXPECT_TRUE(is_there("app-1"));
  EXPECT_EQ(kube_.count("list", "pods"), 0U) << "it has ended";
}

TEST_F(HealerTest, AsksAgainBeforeEachEviction) {
  make_pod("app-1");
  kube_.transport.hold();
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  loop_.poll();
  wanted_ = false;
  kube_.transport.release();
  test::run_until(loop_, [&] { return !is_there("app-1"); }, 50ms);
  EXPECT_TRUE(is_there("app-1"));
}

TEST_F(HealerTest, AFailureThatPassesEndsARoundOnly) {
  constexpr const char* pods = "/api/v1/namespaces/team/pods";
  make_pod("app-1");
  int asked = 0;
  kube_.transport.on("GET", pods, [&](const kube::HttpRequest&) {
    if (++asked == 2) {
      throw Error(ErrorCode::unreachable, "reset");
    }
    const int status = asked == 1 ? 429 : 503;
    return test::FakeTransport::respond(status, test::FakeTransport::status_body(status, "", "later").dump());
  });
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return asked > 2; }));
  kube_.transport.forget_scripts("GET", pods);
  EXPECT_TRUE(until([&] { return !is_there("app-1"); }));
}

TEST_F(HealerTest, APodThatAdmissionKeepsDoesNotKeepItsNeighbours) {
  make_pod("app-1");
  make_pod("app-2");
  answer_version("30");
  std::vector<std::string> sent;
  kube_.transport.on("POST", "/api/v1/namespaces/team/pods/app-1", [&](const kube::HttpRequest& request) {
    sent.push_back(json::parse(request.body).at("apiVersion"));
    return test::FakeTransport::respond(
        403, test::FakeTransport::status_body(403, "Forbidden", "admission webhook \"w\" denied the request").dump());
  });
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return !is_there("app-2"); }));
  EXPECT_TRUE(is_there("app-1"));
  EXPECT_THAT(sent, ElementsAre("policy/v1"));
}

TEST_F(HealerTest, AnOldServerGetsTheEvictionThatItKnows) {
  make_pod("app-1");
  answer_version("21+");
  kube_.transport.on("POST", "/api/v1/namespaces/team/pods/app-1", [&](const kube::HttpRequest& request) {
    if (json::parse(request.body).at("apiVersion") == "policy/v1beta1") {
      kube_.erase({"pods", "team", "app-1"});
      return test::FakeTransport::respond(201, "{}");
    }
    return test::FakeTransport::respond(
        400, test::FakeTransport::status_body(400, "BadRequest", "does not match the expected API version").dump());
  });
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return evicted_.size() == 1; }));
  EXPECT_FALSE(is_there("app-1"));
}

TEST_F(HealerTest, AsksOnlyForPodsThatHaveNotBegun) {
  make_pod("app-1");
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return lists() > 0; }));
  EXPECT_EQ(kube_.requests().front().parameter("fieldSelector"), "status.phase=Pending");
}

TEST_F(HealerTest, LooksAtAFewRepairsAtOnce) {
  kube_.transport.hold();
  for (int i = 0; i < 20; ++i) {
    healer_.repaired({"n" + std::to_string(i), "cred"}, "t", "", payload_);
  }
  loop_.poll();
  EXPECT_EQ(kube_.transport.requests().size(), 4U);
  kube_.transport.release();
  EXPECT_TRUE(until([&] { return lists() == 20; }));
}

TEST_F(HealerTest, EndsWhereItMayNotListPods) {
  make_pod("app-1");
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "pods"; };
  healer_.repaired({"team", "cred"}, "t", "", payload_);
  EXPECT_TRUE(until([&] { return kube_.count("list", "pods") == 1; }));
  EXPECT_TRUE(is_there("app-1"));
}

}  // namespace
}  // namespace regsync
