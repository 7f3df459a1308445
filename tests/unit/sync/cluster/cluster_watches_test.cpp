// Lists and watches of one cluster over the HTTP seam, without anybody who writes: what the cache holds, how far it can
// be believed, and what is told.
#include "sync/cluster/cluster_watches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using test::FakeTransport;
using testing::Contains;
using testing::IsEmpty;

constexpr const char* all_secrets = "/api/v1/secrets";
constexpr const char* all_namespaces = "/api/v1/namespaces?";
const test::FakeKube::Key cred{"secrets", "team", "cred"};
const Key key{"team", "cred"};

Places places_of_everywhere() {
  Target target = test::make_target("t", "cred", {"*"});
  return places_of(target, "default");
}

class ClusterWatchesTest : public testing::Test {
 protected:
  ClusterWatchesTest() { kube_.make_namespace("team"); }
  void TearDown() override { test::run(loop_, watches_.stop()); }

  void follow(const Places& places = places_of_everywhere()) {
    watches_.follow(std::make_shared<const Places>(places));
    ASSERT_TRUE(until([&] { return watches_.table().settled(); }));
  }
  bool until(const std::function<bool()>& holds) {
    return test::run_until(loop_, [&] { return holds(); });
  }
  [[nodiscard]] const SecretView* secret(const Key& of = key) const {
    const Entry* entry = cache_.find(of);
    return entry == nullptr ? nullptr : entry->observed.secret.get();
  }
  void put(const std::string& data = "e30=") {
    kube_.put(cred, {{"type", "kubernetes.io/dockerconfigjson"}, {"data", {{".dockerconfigjson", data}}}});
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  ClusterCache cache_;
  kube::KubeClient client_{test::context_of_test(), kube_.transport.connect()};
  std::vector<Key> keys_;
  std::vector<std::string> namespaces_;
  std::vector<std::string> secrets_;
  int everything_ = 0;
  int restarts_ = 0;
  ClusterWatches watches_{loop_.get_executor(),
                          client_,
                          cache_,
                          test::owner_id,
                          {},
                          {.on_key = [this](const Key& of) { keys_.push_back(of); },
                           .on_namespace = [this](const std::string& name) { namespaces_.push_back(name); },
                           .on_secret = [this](const std::string& name) { secrets_.push_back(name); },
                           .on_everything = [this] { ++everything_; },
                           .on_restart = [this] { ++restarts_; },
                           .on_health = [] {},
                           .on_cut = [] {}}};
};

TEST_F(ClusterWatchesTest, NothingIsBelievedBeforeTheFirstListIsComplete) {
  put();
  kube_.transport.hold();
  watches_.follow(std::make_shared<const Places>(places_of_everywhere()));
  loop_.poll();
  EXPECT_EQ(watches_.trust(key), Trust::not_yet);
  EXPECT_FALSE(watches_.table().listed());
  EXPECT_FALSE(watches_.table().covers("cred"));
  kube_.transport.release();
  EXPECT_TRUE(until([&] { return watches_.table().settled(); }));
  EXPECT_EQ(watches_.trust(key), Trust::followed);
  EXPECT_TRUE(watches_.table().covers("cred"));
  EXPECT_NE(secret(), nullptr);
  EXPECT_THAT(secrets_, Contains("cred"));
  EXPECT_THAT(keys_, IsEmpty()) << "of what a list delivers before it is complete, nothing is told one by one";
}

TEST_F(ClusterWatchesTest, EachChangeIsTold) {
  follow();
  EXPECT_EQ(secret(), nullptr);
  put();
  EXPECT_TRUE(until([&] { return secret() != nullptr; }));
  EXPECT_THAT(keys_, Contains(key));
  keys_.clear();
  kube_.erase(cred);
  EXPECT_TRUE(until([&] { return secret() == nullptr; }));
  EXPECT_THAT(keys_, Contains(key));
  kube_.make_namespace("late");
  EXPECT_TRUE(until([&] { return cache_.find_namespace("late") != nullptr; }));
  EXPECT_THAT(namespaces_, Contains("late"));
}

TEST_F(ClusterWatchesTest, WhatIsOddOrWasNotAskedForIsDropped) {
  follow();
  for (const json& object : {json("text"), json({{"metadata", 7}}), json({{"metadata", {{"name", {1}}}}}),
                             json({{"metadata", {{"name", "cred"}, {"namespace", "../team"}}}}),
                             json({{"metadata", {{"name", "other"}, {"namespace", "team"}}}})}) {
    kube_.transport.send_event(all_secrets, "ADDED", object);
  }
  put();
  EXPECT_TRUE(until([&] { return secret() != nullptr; }));
  EXPECT_EQ(cache_.secret_names(), std::vector<std::string>{"cred"});
  EXPECT_EQ(secret({"team", "other"}), nullptr);
}

TEST_F(ClusterWatchesTest, WhatAListDoesNotDeliverAnyMoreIsGone) {
  put();
  follow();
  ASSERT_NE(secret(), nullptr);
  kube_.cluster.remove(cred, {});  // and no watch is told
  kube_.cluster.compact();
  watches_.relist();
  EXPECT_EQ(watches_.trust(key), Trust::followed) << "what is known stays believed until the new list is complete";
  EXPECT_TRUE(until([&] { return secret() == nullptr; }));
  EXPECT_EQ(watches_.trust(key), Trust::followed);
}

TEST_F(ClusterWatchesTest, AnExpiredVersionTakesANewListAndIsCounted) {
  follow();
  kube_.transport.send_event(all_secrets, "ERROR", FakeTransport::status_body(410, "Expired", "too old"));
  EXPECT_TRUE(until([&] { return restarts_ == 1 && watches_.table().settled(); }));
  put();
  EXPECT_TRUE(until([&] { return secret() != nullptr; }));
}

TEST_F(ClusterWatchesTest, WhatIsForbiddenEverywhereIsWatchedInEachNamespaceAndElseReadOnDemand) {
  kube_.forbids = [](const test::ApiRequest& request) {
    return request.key.resource == "secrets" && request.key.name_space != "team";
  };
  Places places = places_of_everywhere();
  places.secrets["cred"].namespaces = {"team", "other"};
  follow(places);
  EXPECT_TRUE(until([&] { return watches_.trust({"other", "cred"}) == Trust::on_demand; }));
  EXPECT_EQ(watches_.trust(key), Trust::followed);
  EXPECT_FALSE(watches_.table().covers("cred")) << "other namespaces may hold one, and nobody sees them";
  EXPECT_FALSE(watches_.table().problem()) << "a right that is missing is no trouble of the connection";
}

// One that was encrypted with a key that is lost.
TEST_F(ClusterWatchesTest, ASecretThatTheServerCannotDecodeKeepsNoOtherNamespaceFromBeingFollowed) {
  const auto unreadable = [](const kube::HttpRequest&) {
    return FakeTransport::respond(
        500,
        FakeTransport::status_body(500, "InternalError", "unable to transform key \"/registry/secrets/old/x\"").dump());
  };
  kube_.transport.on("GET", all_secrets, unreadable);
  Places places = places_of_everywhere();
  places.secrets["cred"].namespaces = {"team"};
  follow(places);
  EXPECT_TRUE(until([&] { return watches_.trust(key) == Trust::followed; }));
  EXPECT_EQ(watches_.trust({"other", "cred"}), Trust::on_demand);
  EXPECT_FALSE(watches_.table().problem());
  kube_.transport.forget_scripts("GET", all_secrets);
  watches_.relist();
  EXPECT_TRUE(until([&] { return watches_.trust({"other", "cred"}) == Trust::followed; }));
}

TEST_F(ClusterWatchesTest, ForbiddenNamespacesAreSaidAndCountAsAnswered) {
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "namespaces"; };
  follow();
  EXPECT_TRUE(until([&] { return watches_.table().namespaces_forbidden().has_value(); }));
  EXPECT_FALSE(cache_.namespaces_complete());
  EXPECT_TRUE(watches_.table().listed());
  kube_.forbids = [](const test::ApiRequest& /*request*/) { return false; };
  watches_.relist();
  EXPECT_TRUE(until([&] { return cache_.namespaces_complete(); }));
  EXPECT_FALSE(watches_.table().namespaces_forbidden());
  EXPECT_NE(cache_.find_namespace("team"), nullptr);
}

TEST_F(ClusterWatchesTest, ATroubleOfOneWatchIsTheProblemUntilItWorksAgain) {
  kube_.transport.on("GET", all_namespaces, [](const kube::HttpRequest& /*request*/) -> kube::HttpResponse {
    throw Error(ErrorCode::unreachable, "no route");
  });
  watches_.follow(std::make_shared<const Places>(places_of_everywhere()));
  ASSERT_TRUE(until([&] { return watches_.table().settled(); }));
  ASSERT_TRUE(watches_.table().problem());
  EXPECT_EQ(watches_.table().problem()->code(), ErrorCode::unreachable);
  EXPECT_EQ(watches_.trust(key), Trust::followed) << "the watch of Secrets works";
  kube_.transport.forget_scripts("GET", all_namespaces);
  watches_.relist();
  EXPECT_TRUE(until([&] { return !watches_.table().problem() && cache_.namespaces_complete(); }));
}

TEST_F(ClusterWatchesTest, HeldEventsComeAfterTheReleaseAndNothingIsListedAnew) {
  follow();
  const auto lists = kube_.count("list", "secrets");
  watches_.hold_secrets();
  ASSERT_TRUE(until([&] { return kube_.watches(all_secrets) == 0; }));
  EXPECT_EQ(watches_.trust(key), Trust::followed);
  put();
  loop_.poll();
  EXPECT_EQ(secret(), nullptr);
  watches_.release_secrets();
  EXPECT_TRUE(until([&] { return secret() != nullptr; }));
  EXPECT_EQ(kube_.count("list", "secrets"), lists);
}

TEST_F(ClusterWatchesTest, WhatIsNotWantedAnyMoreIsNotFollowedAnyMore) {
  follow();
  ASSERT_EQ(kube_.watches(all_secrets), 1U);
  watches_.follow(std::make_shared<const Places>());
  EXPECT_TRUE(until([&] { return kube_.watches() == 0; }));
  EXPECT_TRUE(watches_.table().watches.empty());
}

TEST_F(ClusterWatchesTest, ManyNamesAreWatchedByLabelAndWhatStandsInTheWayByName) {
  Places places = places_of_everywhere();
  for (int i = 0; i < 2 * few_watches; ++i) {
    places.secrets["s" + std::to_string(i)].any = true;
  }
  put();  // without our label
  follow(places);
  EXPECT_TRUE(until([&] { return watches_.trust(key) == Trust::labelled; }));
  EXPECT_EQ(kube_.watches(all_secrets), 1U);
  cache_.observe(key, 1, SecretView());  // as a read before a create finds it
  watches_.check(key);
  EXPECT_TRUE(until([&] { return watches_.trust(key) == Trust::followed; }));
  EXPECT_EQ(kube_.watches("/api/v1/namespaces/team/secrets"), 1U);
}

}  // namespace
}  // namespace regsync
