// What the Reconciler does about one key, over the HTTP seam: without watches, so that the cache knows exactly what the
// test says. The whole of a context is in cluster_test.cpp.
#include "sync/cluster/reconciler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sync/cluster/one_secret.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using test::FakeTransport;
using testing::ElementsAre;

class ReconcilerTest : public OneSecret {
 protected:
  Outcome reconcile(Trust trust = Trust::followed) { return test::run(loop_, reconciler_.reconcile(key, trust)); }
  [[nodiscard]] const Progress& progress() const { return cache_.find(key)->progress; }
  [[nodiscard]] ErrorCode cause() const { return progress().cause ? progress().cause->code() : ErrorCode::internal; }
  [[nodiscard]] std::vector<std::string> verbs() const {
    std::vector<std::string> verbs;
    for (const auto& request : kube_.requests()) {
      verbs.push_back(request.verb + " " + request.key.name);
    }
    return verbs;
  }

  std::vector<Change> changes_;
  int setbacks_ = 0;
  std::optional<Error> elsewhere_;
  bool wanted_again_ = false;
  Reconciler reconciler_{client_,
                         cache_,
                         table_,
                         test::owner_of_test(),
                         {.on_change = [this](const Change& change) { changes_.push_back(change); },
                          .check_elsewhere = [this](const Key& /*key*/, const std::string& /*uid*/,
                                                    Taking /*taking*/) -> asio::awaitable<void> {
                            if (elsewhere_) {
                              throw Error(*elsewhere_);
                            }
                            if (wanted_again_) {
                              wanted_.put(test::make_target());
                            }
                            co_return;
                          },
                          .desired = [this] { return wanted_.state(); },
                          .on_setback = [this] { ++setbacks_; }}};
};

TEST_F(ReconcilerTest, ACreateIsOneRequestAndWhatItAnswersIsKnown) {
  EXPECT_EQ(reconcile().kind, Outcome::Kind::done);
  EXPECT_THAT(verbs(), ElementsAre("apply cred"));
  EXPECT_EQ(progress().state, SyncState::in_sync);
  EXPECT_EQ(reconciler_.decide(key, *wanted_.state()).action, Action::nothing) << "before any watch tells of it";
}

TEST_F(ReconcilerTest, WhatItsCacheDoesNotKnowIsReadWhenACreateIsRefused) {
  kube_.put(cred, test::foreign_secret());
  EXPECT_EQ(reconcile().kind, Outcome::Kind::done) << "an event will come";
  EXPECT_THAT(verbs(), ElementsAre("apply cred", "get cred"));
  EXPECT_EQ(cause(), ErrorCode::not_owned);
  EXPECT_EQ(test::password_in(kube_.find(cred).value()), "");
}

TEST_F(ReconcilerTest, WhatALabelDoesNotShowIsReadBeforeACreate) {
  kube_.put(cred, test::foreign_secret());
  EXPECT_EQ(reconcile(Trust::labelled).kind, Outcome::Kind::done);
  EXPECT_THAT(verbs(), ElementsAre("get cred"));
  EXPECT_EQ(cause(), ErrorCode::not_owned);
  kube_.erase(cred);
  cache_.observe_missing(key);
  kube_.forget_requests();
  reconcile(Trust::labelled);
  EXPECT_THAT(verbs(), ElementsAre("get cred", "apply cred"));
  EXPECT_EQ(progress().state, SyncState::in_sync);
}

TEST_F(ReconcilerTest, OnDemandItReadsFirstAndComesAgain) {
  kube_.put(cred, test::foreign_secret());
  EXPECT_EQ(reconcile(Trust::on_demand).kind, Outcome::Kind::wait);
  EXPECT_THAT(verbs(), ElementsAre("get cred"));
  EXPECT_EQ(progress().state, SyncState::stuck);
}

TEST_F(ReconcilerTest, AStaleUpdateIsReadAndMadeAgain) {
  reconcile();
  observe();
  kube_.edit(cred, [](json& secret) { secret["metadata"]["labels"]["theirs"] = "x"; });
  wanted_.login("second");
  kube_.forget_requests();
  EXPECT_EQ(reconcile().kind, Outcome::Kind::done);
  EXPECT_THAT(verbs(), ElementsAre("apply cred", "get cred", "apply cred"));
  const auto secret = kube_.find(cred).value();
  EXPECT_EQ(test::password_in(secret), "second");
  EXPECT_EQ(secret.at("metadata").at("labels").value("theirs", ""), "x");
}

TEST_F(ReconcilerTest, AKeyThatChangesFasterThanItCanBeWrittenIsRetried) {
  reconcile();
  kube_.transport.on("PATCH", "/api/v1/namespaces/team/secrets/cred", [](const kube::HttpRequest&) {
    return FakeTransport::respond(409, FakeTransport::status_body(409, "Conflict", "modified").dump());
  });
  wanted_.login("second");
  EXPECT_EQ(reconcile().kind, Outcome::Kind::retry);
  EXPECT_EQ(cause(), ErrorCode::stale);
  EXPECT_EQ(progress().state, SyncState::retrying);
}

// A webhook may deny with any code.
TEST_F(ReconcilerTest, ADenialWithTheCodeOfAConflictIsNoRaceAndItsWordsAreTold) {
  reconcile();
  observe();
  kube_.transport.on("PATCH", "/api/v1/namespaces/team/secrets/cred", [](const kube::HttpRequest&) {
    const json denial =
        FakeTransport::status_body(409, "Conflict", R"(admission webhook "w" denied the request: frozen until Monday)");
    return FakeTransport::respond(409, denial.dump());
  });
  wanted_.login("second");
  reconcile();
  EXPECT_EQ(cause(), ErrorCode::rejected);
  EXPECT_THAT(progress().cause->message(), testing::HasSubstr("frozen until Monday"));
  EXPECT_EQ(progress().state, SyncState::stuck);
  EXPECT_EQ(kube_.transport.count("PATCH"), 2U) << "the create, and one update";
}

TEST_F(ReconcilerTest, AServerThatHoldsLessThanItDidIsASetback) {
  reconcile();
  cache_.observe(key, 1'000'000, view_secret(kube_.find(cred).value(), test::owner_id));
  reconcile(Trust::on_demand);
  EXPECT_EQ(setbacks_, 1);
  EXPECT_LT(cache_.find(key)->observed.version, 1'000'000U) << "the read is the truth";
  reconcile(Trust::on_demand);
  EXPECT_EQ(setbacks_, 1) << "once";
}

TEST_F(ReconcilerTest, AKeyWhoseAnswerWasLostIsReadBeforeAnythingIsDecided) {
  const auto watch = std::make_shared<Watch>(WatchId{secrets_resource, "team", "cred"});
  watch->state = Watch::Following();
  table_.watches[watch->id] = watch;
  EXPECT_EQ(reconciler_.trust(key, *wanted_.state()), Trust::followed);
  kube_.transport.on(
      "PATCH", "/api/v1/namespaces/team/secrets/cred",
      [](const kube::HttpRequest&) -> kube::HttpResponse { throw Error(ErrorCode::unreachable, "the network broke"); });
  EXPECT_EQ(reconcile().kind, Outcome::Kind::retry);
  EXPECT_EQ(reconciler_.trust(key, *wanted_.state()), Trust::on_demand) << "it may have been made";
  kube_.put(cred, test::foreign_secret());
  EXPECT_EQ(reconcile(Trust::on_demand).kind, Outcome::Kind::done) << "an event will come";
  EXPECT_EQ(reconciler_.trust(key, *wanted_.state()), Trust::followed);
}

TEST_F(ReconcilerTest, WhatIsMadeAnewAfterEachDeletionIsDeletedMoreSlowly) {
  reconcile();
  const json ours = kube_.find(cred).value();
  wanted_.drop("t");
  for (int i = 0; i < 5; ++i) {
    kube_.put(cred, ours);
    observe();
    EXPECT_EQ(reconcile().kind, Outcome::Kind::done) << i;
    EXPECT_FALSE(kube_.find(cred)) << i;
  }
  kube_.put(cred, ours);
  observe();
  EXPECT_EQ(reconcile().kind, Outcome::Kind::wait);
  EXPECT_TRUE(kube_.find(cred));
  EXPECT_EQ(cause(), ErrorCode::field_conflict);
}

TEST_F(ReconcilerTest, ADeletionNamesTheObjectThatWasDecidedOn) {
  reconcile();
  observe();
  const auto secret = kube_.find(cred).value();
  wanted_.drop("t");
  kube_.forget_requests();
  reconcile();
  EXPECT_THAT(verbs(), ElementsAre("get cred", "delete cred"));
  const auto options = json::parse(kube_.requests().back().body);
  EXPECT_EQ(options.at("preconditions").at("uid"), secret.at("metadata").at("uid"));
  EXPECT_EQ(options.at("preconditions").at("resourceVersion"), secret.at("metadata").at("resourceVersion"));
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].kind, Change::Kind::deleted);
  EXPECT_EQ(changes_[1].target, "t");
}

TEST_F(ReconcilerTest, WhatWasGivenAwaySinceTheEventIsNotDeleted) {
  reconcile();
  observe();
  kube_.edit(cred, [](json& secret) { secret["metadata"].erase("annotations"); });
  wanted_.drop("t");
  reconcile();
  EXPECT_TRUE(kube_.find(cred));
  EXPECT_EQ(kube_.count("delete"), 0U);
}

TEST_F(ReconcilerTest, NothingIsDeletedThatMayBeWantedElsewhere) {
  reconcile();
  observe();
  wanted_.drop("t");
  elsewhere_ = Error(ErrorCode::unreachable, "context d may lead to the same cluster, and cannot be asked");
  EXPECT_EQ(reconcile().kind, Outcome::Kind::retry);
  EXPECT_TRUE(kube_.find(cred));
  EXPECT_EQ(cause(), ErrorCode::unreachable);
}

TEST_F(ReconcilerTest, WhatIsAskedForAgainWhileItIsAboutToBeDeletedStays) {
  reconcile();
  observe();
  wanted_.drop("t");
  wanted_again_ = true;
  reconcile();
  EXPECT_TRUE(kube_.find(cred));
  EXPECT_EQ(kube_.count("delete"), 0U);
}

TEST_F(ReconcilerTest, ASecretGoesOnlyAfterItsServiceAccountsWereAskedToForgetIt) {
  kube_.put({"serviceaccounts", "team", "default"}, json::object());
  auto target = test::make_target();
  target.service_accounts = {"default"};
  wanted_.put(target);
  reconcile();
  observe();
  wanted_.drop("t");
  kube_.forget_requests();
  reconcile();
  EXPECT_THAT(verbs(), ElementsAre("get cred", "get default", "patch default", "delete cred"));
  const auto account = kube_.find({"serviceaccounts", "team", "default"}).value();
  EXPECT_TRUE(account.value("imagePullSecrets", json::array()).empty()) << account;
}

TEST_F(ReconcilerTest, ASecretGoesAlthoughAServiceAccountKeepsItsEntry) {
  const test::FakeKube::Key account{"serviceaccounts", "team", "default"};
  kube_.put(account, json::object());
  auto target = test::make_target();
  target.service_accounts = {"default"};
  want(target);
  reconcile();
  observe();
  wanted_.drop("t");
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "serviceaccounts"; };
  reconcile();
  EXPECT_FALSE(kube_.find(cred));
  EXPECT_EQ(cause(), ErrorCode::forbidden);
  EXPECT_EQ(reconciler_.decide(key, *wanted_.state()).action, Action::detach) << "it is not forgotten";
  kube_.forbids = [](const test::ApiRequest& /*request*/) { return false; };
  EXPECT_EQ(reconcile().kind, Outcome::Kind::done);
  EXPECT_TRUE(kube_.find(account)->value("imagePullSecrets", json::array()).empty());
}

TEST_F(ReconcilerTest, AnAttachedServiceAccountKeepsNoOldFightOverTheSecretAlive) {
  reconcile();
  observe();
  Progress& before = cache_.progress(key);
  before.repairs = 10;
  before.wrote -= std::chrono::minutes(3);
  before.last_change = {};
  kube_.put({"serviceaccounts", "team", "default"}, json::object());
  auto target = test::make_target();
  target.service_accounts = {"default"};
  want(target);
  EXPECT_EQ(reconcile().kind, Outcome::Kind::done);
  EXPECT_EQ(changes_.back().kind, Change::Kind::attached);
  EXPECT_NE(progress().last_change, Stamp());
  kube_.erase(cred);
  cache_.observe_missing(key);
  EXPECT_EQ(reconcile().kind, Outcome::Kind::done);
  EXPECT_TRUE(kube_.find(cred));
}

// As the namespaces of pull requests are.
TEST_F(ReconcilerTest, ANamespaceThatIsMadeAnewAgainAndAgainIsNoFight) {
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(reconcile().kind, Outcome::Kind::done) << i;
    ASSERT_TRUE(kube_.find(cred)) << i;
    kube_.erase(cred);
    kube_.erase({"namespaces", "", "team"});
    cache_.observe_missing(key);
    const bool is_listed = i % 2 == 0;
    if (is_listed) {
      cache_.observe_namespace("team", std::nullopt);
      cache_.observe_namespaces_end(0);
    }
    reconcile();
    EXPECT_EQ(cause(), ErrorCode::namespace_missing);
    kube_.make_namespace("team");
    cache_.observe_namespace("team", NamespaceView());
  }
}

TEST_F(ReconcilerTest, AnAdoptionIsForOnce) {
  kube_.put(cred, test::foreign_secret());
  observe();
  reconciler_.adopt(key);
  reconcile();
  EXPECT_EQ(test::password_in(kube_.find(cred).value()), "first");
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].kind, Change::Kind::adopted);
  kube_.erase(cred);
  kube_.put(cred, test::foreign_secret());
  observe();
  reconcile();
  EXPECT_EQ(cause(), ErrorCode::not_owned);
}

TEST_F(ReconcilerTest, AnAdoptionIsOfTheObjectThatWasThereWhenItWasAskedFor) {
  kube_.put(cred, test::foreign_secret());
  observe();
  reconciler_.adopt(key);
  kube_.erase(cred);
  kube_.put(cred, test::foreign_secret());
  reconcile();
  EXPECT_EQ(cause(), ErrorCode::not_owned) << "also where no event told of the other one";
  EXPECT_EQ(test::password_in(kube_.find(cred).value()), "");
}

TEST_F(ReconcilerTest, AnAdoptionThatEndedTakesNothingOver) {
  kube_.put(cred, test::foreign_secret());
  observe();
  reconciler_.adopt(key);
  EXPECT_THAT(reconciler_.end_adoptions(), ElementsAre(key));
  reconcile();
  EXPECT_EQ(cause(), ErrorCode::not_owned);
  EXPECT_THAT(reconciler_.end_adoptions(), testing::IsEmpty());
}

TEST_F(ReconcilerTest, WhereNothingIsAndNothingIsWantedNothingIsKept) {
  wanted_.drop("t");
  cache_.progress(key).written = 7;
  reconcile();
  EXPECT_EQ(cache_.find(key), nullptr);
  EXPECT_TRUE(kube_.requests().empty());
}

TEST_F(ReconcilerTest, ADefectIsAProblemOfTheKey) {
  reconciler_.record_defect(key, Error(ErrorCode::internal, "bad_alloc"));
  EXPECT_EQ(progress().state, SyncState::retrying);
  EXPECT_EQ(cause(), ErrorCode::internal);
}

TEST_F(ReconcilerTest, ANamespaceThatEndsOrIsMissingIsTriedAgainSoonOnlyWhereNoEventTellsOfTheNextOne) {
  cache_.observe_namespace("team", NamespaceView());  // the watch is late
  cache_.observe_namespaces_end(0);
  kube_.cluster.terminate_namespace("team");
  EXPECT_EQ(reconcile().kind, Outcome::Kind::wait);
  EXPECT_EQ(progress().state, SyncState::terminating);
  kube_.erase({"namespaces", "", "team"});
  EXPECT_EQ(reconcile().kind, Outcome::Kind::wait);
  EXPECT_EQ(cause(), ErrorCode::namespace_missing);

  cache_.forbid_namespaces();
  EXPECT_EQ(reconcile().kind, Outcome::Kind::retry);
  EXPECT_EQ(cause(), ErrorCode::namespace_missing);
  EXPECT_EQ(progress().state, SyncState::stuck);
  kube_.make_namespace("team");
  kube_.cluster.terminate_namespace("team");
  EXPECT_EQ(reconcile().kind, Outcome::Kind::retry);
  EXPECT_EQ(progress().state, SyncState::terminating);
}

}  // namespace
}  // namespace regsync
