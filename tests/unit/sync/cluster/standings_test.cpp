// What a status says of a Secret, by what is wanted, observed and tried: the tables are filled by hand.
#include "sync/cluster/standings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sync/cluster/one_secret.hpp"

namespace regsync {
namespace {

class StandingsTest : public OneSecret {
 protected:
  StandingsTest() { watch_ = follow({secrets_resource, "team", "cred"}, Watch::Following()); }

  void declare(const Target& target) {
    want(target);
    desired_ = wanted_.state();
  }
  std::shared_ptr<Watch> follow(WatchId id, decltype(Watch::state) state) {
    auto watch = std::make_shared<Watch>(std::move(id));
    watch->state = std::move(state);
    table_.watches[watch->id] = watch;
    return watch;
  }
  void write() { test::run(loop_, reconciler_.reconcile(key, Trust::followed)); }
  [[nodiscard]] std::vector<StatusRow> rows(const std::string& target = "t") const {
    std::vector<StatusRow> rows;
    standings_.add_rows(target, rows);
    return rows;
  }
  [[nodiscard]] StatusRow row() const {
    const auto all = rows();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? StatusRow() : all.front();
  }
  [[nodiscard]] bool clean() const { return standings_.is_clean_of("t", *table_.places); }

  std::shared_ptr<const DesiredState> desired_ = wanted_.state();
  ClusterHealth health_;
  Reconciler reconciler_{client_,
                         cache_,
                         table_,
                         test::owner_of_test(),
                         {.on_change = [](const Change& /*change*/) {},
                          .check_elsewhere = [](const Key& /*key*/, const std::string& /*uid*/,
                                                Taking /*taking*/) -> asio::awaitable<void> { co_return; },
                          .desired = [this] { return desired_; },
                          .on_setback = [] {}}};
  WorkQueue queue_{loop_.get_executor(),
                   {},
                   [](const Key& /*key*/) -> asio::awaitable<Outcome> { co_return Outcome(); },
                   [](const Key& /*key*/, const Outcome& /*outcome*/) {}};
  Standings standings_{{.context = "c",
                        .cache = cache_,
                        .watches = table_,
                        .reconciler = reconciler_,
                        .queue = queue_,
                        .health = health_,
                        .desired = desired_}};
  std::shared_ptr<Watch> watch_;
};

TEST_F(StandingsTest, WhatIsWantedAndNotWrittenIsPending) { EXPECT_EQ(row().state, SyncState::pending); }

TEST_F(StandingsTest, WhatWasWrittenAndStandsThereIsInSync) {
  write();
  EXPECT_EQ(row().state, SyncState::in_sync);
  EXPECT_TRUE(row().last_change);
  EXPECT_FALSE(row().cause);
}

TEST_F(StandingsTest, ANewLoginIsPendingUntilItIsWritten) {
  write();
  wanted_.login("second");
  desired_ = wanted_.state();
  EXPECT_EQ(row().state, SyncState::pending);
  write();
  EXPECT_EQ(row().state, SyncState::in_sync);
}

TEST_F(StandingsTest, WhatSomebodyChangedIsNotInSync) {
  write();
  kube_.edit(cred, [](nlohmann::json& secret) { secret["data"][".dockerconfigjson"] = "e30="; });
  observe();
  EXPECT_EQ(row().state, SyncState::pending);
}

TEST_F(StandingsTest, WithoutAListNothingIsKnownAndTheReasonIsSaid) {
  write();
  watch_->state = Watch::FirstList();
  EXPECT_EQ(row().state, SyncState::pending);
  ASSERT_TRUE(row().cause);
  EXPECT_EQ(row().cause->code(), ErrorCode::unreachable);
}

TEST_F(StandingsTest, OfAServerThatIsAwayNothingIsInSync) {
  write();
  health_.problem = Error(ErrorCode::forbidden, "no right to list namespaces");
  EXPECT_EQ(row().state, SyncState::in_sync) << "Secrets are seen all the same";
  health_.problem = Error(ErrorCode::unreachable, "no route");
  EXPECT_EQ(row().state, SyncState::retrying) << "nobody sees it now";
  EXPECT_EQ(row().cause->message(), "no route");
  wanted_.login("second");
  desired_ = wanted_.state();
  EXPECT_EQ(row().state, SyncState::retrying);
  EXPECT_EQ(row().cause->message(), "no route");
}

TEST_F(StandingsTest, WhatNoListShowsAnyMoreIsNotInSync) {
  write();
  health_.problem = watch_->problem = Error(ErrorCode::server_error, "watches fail though lists are answered");
  EXPECT_EQ(row().state, SyncState::in_sync) << "it is seen late";
  watch_->lists_fail = true;
  EXPECT_EQ(row().state, SyncState::retrying);
  EXPECT_EQ(row().cause->code(), ErrorCode::server_error);
  const auto wide = follow({secrets_resource, "", "cred"}, Watch::Following());
  EXPECT_EQ(row().state, SyncState::in_sync) << "this one shows it";
  wide->state = Watch::FirstList();
  EXPECT_EQ(row().state, SyncState::retrying);
}

TEST_F(StandingsTest, AFailureIsShownUntilSomethingElseIsDecided) {
  Progress& progress = cache_.progress(key);
  progress.state = SyncState::stuck;
  progress.cause = std::make_unique<Error>(ErrorCode::forbidden, "no right");
  progress.since = std::chrono::time_point_cast<Stamp::duration>(std::chrono::system_clock::now());
  EXPECT_EQ(row().state, SyncState::stuck);
  EXPECT_EQ(row().cause->code(), ErrorCode::forbidden);
  progress.decided = true;  // by what was known then, and now there is work
  EXPECT_EQ(row().state, SyncState::pending);
}

TEST_F(StandingsTest, TheSecondTargetOfASecretIsToldOfTheFirst) {
  auto second = test::make_target("u");
  declare(second);
  EXPECT_EQ(rows("t").front().state, SyncState::pending);
  ASSERT_EQ(rows("u").size(), 1U);
  EXPECT_EQ(rows("u").front().state, SyncState::stuck);
  EXPECT_EQ(rows("u").front().cause->code(), ErrorCode::already_exists);
}

TEST_F(StandingsTest, WhatATargetDroppedIsRemovingAndNotClean) {
  write();
  EXPECT_TRUE(clean()) << "it is wanted";
  wanted_.drop("t");
  desired_ = wanted_.state();
  EXPECT_EQ(row().state, SyncState::removing);
  EXPECT_FALSE(clean());
  cache_.observe_missing(key);
  EXPECT_TRUE(rows().empty());
  EXPECT_TRUE(clean());
  EXPECT_TRUE(standings_.is_empty_of("t", *table_.places));
}

TEST_F(StandingsTest, WhatWasNotListedIsNeverCalledClean) {
  wanted_.drop("t");
  desired_ = wanted_.state();
  EXPECT_TRUE(clean());
  watch_->state = Watch::FirstList();
  EXPECT_FALSE(clean());
  EXPECT_FALSE(standings_.is_empty_of("t", *table_.places));
}

TEST_F(StandingsTest, WhatThisContextDoesNotLookAtIsNeverCalledClean) {
  wanted_.drop("t");
  desired_ = wanted_.state();
  EXPECT_TRUE(clean());
  Places more = *table_.places;
  more.secrets["cred"].namespaces.insert("elsewhere");
  EXPECT_FALSE(standings_.is_clean_of("t", more));
  EXPECT_TRUE(standings_.what_is_unread(more));
  EXPECT_FALSE(standings_.what_is_unread(*table_.places));
}

TEST_F(StandingsTest, ASecretOfSomebodyElseIsLeftAloneAndNamed) {
  kube_.put(cred, test::foreign_secret());
  observe();
  wanted_.drop("t");
  desired_ = wanted_.state();
  EXPECT_TRUE(rows().empty());
  EXPECT_TRUE(clean());
  ASSERT_EQ(standings_.left_alone("t", *table_.places).size(), 1U);
  EXPECT_THAT(standings_.left_alone("t", *table_.places).front().message(), testing::HasSubstr("cred"));
}

TEST_F(StandingsTest, AGlobWithoutAListOfNamespacesIsARowOfItsOwn) {
  declare(test::make_target("t", "cred", {"team-*"}));
  cache_.forbid_namespaces();
  follow({namespaces_resource, "", ""}, Watch::Forbidden{Error(ErrorCode::forbidden, "may not list namespaces")});
  const auto all = rows();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.front().name_space, "");
  EXPECT_EQ(all.front().state, SyncState::stuck);
  EXPECT_EQ(all.front().cause->code(), ErrorCode::forbidden);
}

TEST_F(StandingsTest, EachSecretThatAPauseKeepsFromARemovalIsARow) {
  write();
  wanted_.drop("t");
  std::vector<StatusRow> held;
  standings_.add_held_rows("t", held);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held.front().name_space, "team");
  EXPECT_EQ(held.front().state, SyncState::removing);
  standings_.add_held_rows("other", held);
  EXPECT_EQ(held.size(), 1U);
}

TEST_F(StandingsTest, APlaceThatARemovalCannotReadIsOneRow) {
  cache_.progress(key).cause = std::make_unique<Error>(ErrorCode::forbidden, "may not get");
  std::vector<StatusRow> unread;
  standings_.add_unread_rows("t", *table_.places, unread);
  ASSERT_EQ(unread.size(), 1U);
  EXPECT_EQ(unread.front().name_space, "team");
  EXPECT_EQ(unread.front().state, SyncState::removing);
}

}  // namespace
}  // namespace regsync
