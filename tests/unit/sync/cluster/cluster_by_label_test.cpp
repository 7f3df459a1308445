// One context with so many Secret names that they are watched by label, over the HTTP seam.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sync/cluster/cluster.hpp"
#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using testing::Each;

constexpr int many = 20;
constexpr const char* secrets_in_team = "/api/v1/namespaces/team/secrets";

test::FakeKube::Key secret(int number) { return {"secrets", "team", "s" + std::to_string(number)}; }

class ClusterByLabel : public testing::Test {
 protected:
  ClusterByLabel() {
    kube_.make_namespace("team");
    wanted_.login("first");
  }
  void TearDown() override { test::run(loop_, cluster_.stop()); }

  // Target tN has its Secret sN in the namespace team.
  void want(int from, int to) {
    for (int i = from; i < to; ++i) {
      wanted_.put(test::make_target("t" + std::to_string(i), "s" + std::to_string(i)));
    }
  }
  void tell() { cluster_.set_desired(wanted_.state(), wanted_.places()); }
  void apply() {
    tell();
    settle();
  }
  void begin() {
    want(0, many);
    apply();
  }
  void settle() { test::run(loop_, cluster_.settled()); }
  bool until(const std::function<bool()>& holds) {
    return test::run_until(loop_, [&] { return holds(); });
  }

  [[nodiscard]] StatusRow row(int number) const {
    std::vector<StatusRow> rows;
    cluster_.add_rows("t" + std::to_string(number), rows);
    return rows.empty() ? StatusRow() : rows.front();
  }
  [[nodiscard]] SyncState state(int number) const { return row(number).state; }
  [[nodiscard]] ErrorCode cause(int number) const {
    const auto found = row(number).cause;
    return found ? found->code() : ErrorCode::internal;
  }
  [[nodiscard]] std::vector<SyncState> states(int from = 0, int to = many) const {
    std::vector<SyncState> all;
    for (int i = from; i < to; ++i) {
      all.push_back(state(i));
    }
    return all;
  }
  [[nodiscard]] std::string password(int number) const {
    const auto found = kube_.find(secret(number));
    return found ? test::password_in(*found) : "";
  }
  [[nodiscard]] std::size_t watches_of_secrets() { return kube_.watches(secrets_in_team); }
  // A Secret that this regsync made for a target.
  void put_ours(const test::FakeKube::Key& key, const std::string& target) {
    kube_.put(key,
              {{"type", pull_secret_type},
               {"metadata",
                {{"labels", {{managed_by_label, managed_by_value}}},
                 {"annotations",
                  {{target_annotation, target},
                   {owner_annotation, "id jdoe@laptop"},
                   {place_annotation, key.name_space + "/" + key.name}}}}},
               {"data", {{".dockerconfigjson", "e30="}}}},
              "regsync");
  }
  static bool is_by_label(const test::ApiRequest& request) {
    return request.key.resource == "secrets" && !request.parameter("labelSelector").empty();
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  test::Wanted wanted_;
  Cluster cluster_{loop_.get_executor(),
                   test::context_of_test(),
                   kube_.transport.connect(),
                   {.owner = test::owner_of_test()},
                   [](const ChangedRows& /*rows*/) {}};
};

TEST_F(ClusterByLabel, OneListAndOneWatchDoForAllNames) {
  begin();
  EXPECT_THAT(states(), Each(SyncState::in_sync));
  EXPECT_EQ(kube_.writes(), std::size_t{many});
  EXPECT_EQ(kube_.count("list", "secrets"), 1U);
  EXPECT_EQ(watches_of_secrets(), 1U);
  EXPECT_EQ(kube_.count("get", "secrets"), std::size_t{many}) << "before each create";
  kube_.erase(secret(3));
  EXPECT_TRUE(until([&] { return password(3) == "first"; }));
  kube_.edit(secret(4), [](json& object) { object["data"][".dockerconfigjson"] = "e30="; });
  EXPECT_TRUE(until([&] { return password(4) == "first"; }));
}

TEST_F(ClusterByLabel, WhatIsThereAndRightIsNotWritten) {
  begin();
  kube_.forget_requests();
  cluster_.kick();
  settle();
  EXPECT_EQ(kube_.count("list", "secrets"), 1U);
  EXPECT_EQ(kube_.writes(), 0U);
  EXPECT_THAT(states(), Each(SyncState::in_sync));
}

TEST_F(ClusterByLabel, WhatStandsInTheWayIsNotTouchedAndFollowedUntilItIsGone) {
  kube_.put(secret(7), test::foreign_secret());
  const auto before = kube_.find(secret(7)).value();
  begin();
  EXPECT_EQ(state(7), SyncState::stuck);
  EXPECT_EQ(cause(7), ErrorCode::not_owned);
  EXPECT_EQ(kube_.find(secret(7)).value(), before);
  EXPECT_EQ(state(6), SyncState::in_sync);
  EXPECT_TRUE(until([&] { return watches_of_secrets() == 2; }));
  kube_.erase(secret(7));
  EXPECT_TRUE(until([&] { return state(7) == SyncState::in_sync; }));
  EXPECT_TRUE(until([&] { return watches_of_secrets() == 1; }));
  EXPECT_EQ(password(7), "first");
}

TEST_F(ClusterByLabel, WhatSomebodyMakesInTheWayIsFollowedToo) {
  begin();
  kube_.erase(secret(7));
  kube_.put(secret(7), test::foreign_secret());  // before the watch has told of the deletion
  EXPECT_TRUE(until([&] { return cause(7) == ErrorCode::not_owned; }));
  EXPECT_EQ(password(7), "");
  EXPECT_TRUE(until([&] { return watches_of_secrets() == 2; }));
}

// Between our read and our create.
TEST_F(ClusterByLabel, ACreateThatIsRefusedFindsWhatStandsInTheWay) {
  const std::string target = std::string(secrets_in_team) + "/s7?";
  kube_.transport.on("PATCH", target, [this, target](const kube::HttpRequest& request) {
    kube_.transport.forget_scripts("PATCH", target);
    kube_.put(secret(7), test::foreign_secret());
    return kube_.answer(request);
  });
  begin();
  EXPECT_EQ(cause(7), ErrorCode::not_owned);
  EXPECT_EQ(password(7), "");
  EXPECT_TRUE(until([&] { return watches_of_secrets() == 2; }));
}

TEST_F(ClusterByLabel, WhatAnotherRegsyncKeepsIsShownByTheLabel) {
  put_ours(secret(7), "t7");
  kube_.edit(secret(7), [](json& object) { object["metadata"]["annotations"][owner_annotation] = "other ann@desk"; });
  begin();
  EXPECT_EQ(cause(7), ErrorCode::not_owned);
  EXPECT_EQ(kube_.count("get", "secrets"), many - 1U) << "of the others, before their creates";
  EXPECT_EQ(watches_of_secrets(), 1U);
}

TEST_F(ClusterByLabel, ASecretThatLosesOurLabelIsThereStillAndNotMadeAgain) {
  begin();
  const auto uid = kube_.find(secret(7)).value().at("metadata").at("uid");
  kube_.forget_requests();
  kube_.edit(secret(7), [](json& object) { object["metadata"]["labels"] = {{managed_by_label, "Helm"}}; });
  EXPECT_TRUE(until([&] { return cause(7) == ErrorCode::not_owned; }));
  EXPECT_THAT(row(7).cause->message(), testing::HasSubstr("now \"Helm\""));
  EXPECT_EQ(kube_.find(secret(7)).value().at("metadata").at("uid"), uid);
  EXPECT_EQ(kube_.count("delete"), 0U);
  EXPECT_EQ(kube_.count("apply"), 0U);
  EXPECT_TRUE(until([&] { return watches_of_secrets() == 2; }));

  kube_.edit(secret(7), [](json& object) { object["metadata"]["labels"] = {{managed_by_label, managed_by_value}}; });
  EXPECT_TRUE(until([&] { return state(7) == SyncState::in_sync && watches_of_secrets() == 1; }));
  EXPECT_EQ(kube_.count("apply"), 0U);
  kube_.erase(secret(7));
  EXPECT_TRUE(until([&] { return password(7) == "first"; }));
}

TEST_F(ClusterByLabel, APersonAdoptsWhatStandsInTheWay) {
  kube_.put(secret(7), test::foreign_secret());
  begin();
  cluster_.adopt({"t7"});
  settle();
  EXPECT_TRUE(until([&] { return state(7) == SyncState::in_sync && watches_of_secrets() == 1; }));
  EXPECT_EQ(password(7), "first");
}

TEST_F(ClusterByLabel, WithoutTheRightNamesAreWatchedAsEver) {
  kube_.forbids = is_by_label;
  kube_.put(secret(7), test::foreign_secret());
  begin();
  EXPECT_EQ(watches_of_secrets(), std::size_t{many});
  EXPECT_EQ(cause(7), ErrorCode::not_owned);
  EXPECT_EQ(kube_.count("get", "secrets"), 0U) << "the watch shows it";
  EXPECT_THAT(states(0, 7), Each(SyncState::in_sync));
  EXPECT_TRUE(cluster_.status().connected);
  EXPECT_FALSE(cluster_.status().problem);
  kube_.erase(secret(7));
  EXPECT_TRUE(until([&] { return password(7) == "first"; }));

  kube_.forbids = [](const test::ApiRequest&) { return false; };
  cluster_.kick();  // rights were granted
  settle();
  EXPECT_TRUE(until([&] { return watches_of_secrets() == 1; }));
  EXPECT_THAT(states(), Each(SyncState::in_sync));
}

TEST_F(ClusterByLabel, WithoutAnyRightToWatchSecretsAreReadOnDemand) {
  kube_.forbids = [](const test::ApiRequest& request) {
    return request.key.resource == "secrets" && (request.verb == "list" || request.verb == "watch");
  };
  begin();
  EXPECT_THAT(states(), Each(SyncState::in_sync));
  EXPECT_EQ(kube_.writes(), std::size_t{many});
}

TEST_F(ClusterByLabel, NothingIsDeletedOrWrittenWhenNamesBecomeManyAndFewAgain) {
  want(0, 3);
  apply();
  EXPECT_EQ(watches_of_secrets(), 3U);
  kube_.forget_requests();
  want(3, many);
  tell();
  std::size_t doubts = 0;
  EXPECT_TRUE(until([&] {
    const auto first = states(0, 3);
    doubts += static_cast<std::size_t>(std::ranges::count_if(first, [](auto s) { return s != SyncState::in_sync; }));
    const auto all = states();
    return std::ranges::all_of(all, [](auto s) { return s == SyncState::in_sync; }) && watches_of_secrets() == 1;
  }));
  EXPECT_EQ(doubts, 0U) << "what is known stays known";
  EXPECT_EQ(kube_.writes(), std::size_t{many - 3});

  kube_.forget_requests();
  for (int i = 2; i < many; ++i) {
    wanted_.lose("t" + std::to_string(i));
  }
  wanted_.forget_places();
  tell();
  EXPECT_TRUE(until([&] {
    const auto first = states(0, 2);
    doubts += static_cast<std::size_t>(std::ranges::count_if(first, [](auto s) { return s != SyncState::in_sync; }));
    return watches_of_secrets() == 2 && kube_.count("watch", "secrets") == 2;
  }));
  EXPECT_EQ(doubts, 0U);
  EXPECT_EQ(kube_.writes(), 0U);
  kube_.erase(secret(1));
  EXPECT_TRUE(until([&] { return password(1) == "first"; }));
}

TEST_F(ClusterByLabel, ANameThatComesLaterIsListedAnew) {
  put_ours({"secrets", "team", "left"}, "t0");
  begin();
  EXPECT_TRUE(kube_.find({"secrets", "team", "left"})) << "no place of it is remembered";
  kube_.forget_requests();
  wanted_.put(test::make_target("late", "left"));
  wanted_.drop("late");
  apply();
  EXPECT_FALSE(kube_.find({"secrets", "team", "left"})) << "t0 does not cover it";
  EXPECT_EQ(kube_.count("list", "secrets"), 1U);
  EXPECT_THAT(states(), Each(SyncState::in_sync));
}

TEST_F(ClusterByLabel, WhatIsOutsideOfThePlacesIsNotOurBusiness) {
  kube_.make_namespace("dev");
  put_ours({"secrets", "dev", "s0"}, "t0");
  begin();
  EXPECT_TRUE(kube_.find({"secrets", "dev", "s0"}));
}

TEST_F(ClusterByLabel, ADeletionThatTheWatchMissedIsSeenInTheNextList) {
  kube_.put(secret(7), test::foreign_secret());
  begin();
  EXPECT_TRUE(until([&] { return watches_of_secrets() == 2; }));
  kube_.transport.end_streams();
  kube_.cluster.remove(secret(5), {});
  kube_.cluster.compact();
  EXPECT_TRUE(until([&] { return password(5) == "first"; }));
  EXPECT_EQ(cause(7), ErrorCode::not_owned) << "what a list by label does not show is not gone";
}

TEST_F(ClusterByLabel, WhatATargetNoLongerCoversIsDeleted) {
  begin();
  wanted_.drop("t5");
  wanted_.lose("t6");
  apply();
  EXPECT_FALSE(kube_.find(secret(5)));
  EXPECT_TRUE(kube_.find(secret(6))) << "its file is gone, and nobody said why";
}

TEST_F(ClusterByLabel, OneChangedLoginConsidersItsOwnNamesOnly) {
  begin();
  kube_.forget_requests();
  auto target = test::make_target("t3", "s3");
  target.email = "j@example.com";
  wanted_.put(target);
  apply();
  EXPECT_EQ(kube_.requests().size(), 1U);
}

}  // namespace
}  // namespace regsync
