// One context from what is wanted to what its API server holds, over the HTTP seam.
#include "sync/cluster/cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using test::FakeTransport;
using testing::ElementsAre;
using testing::HasSubstr;

const test::FakeKube::Key cred{"secrets", "team", "cred"};
const test::FakeKube::Key other{"secrets", "team", "other"};
const test::FakeKube::Key account{"serviceaccounts", "team", "default"};
const Key key{"team", "cred"};

class ClusterTest : public testing::Test {
 protected:
  explicit ClusterTest(std::chrono::milliseconds label_grace = std::chrono::milliseconds(20))
      : label_grace_(label_grace) {
    kube_.make_namespace("team");
    kube_.put(account, {{"imagePullSecrets", {{{"name", "theirs"}}}}});
    wanted_.login("first");
  }
  void TearDown() override { test::run(loop_, cluster_.stop()); }

  // Tells the cluster what is wanted, and returns when it has settled.
  void apply() {
    cluster_.set_desired(wanted_.state(), wanted_.places());
    settle();
  }
  void begin(const Target& target = test::make_target()) {
    wanted_.put(target);
    apply();
  }
  // The target's Secret is to have a new name, which somebody else's has.
  void begin_renamed(Target target = test::make_target()) {
    kube_.put(other, test::foreign_secret());
    begin(target);
    target.secret = "other";
    begin(target);
  }
  void settle() { test::run(loop_, cluster_.settled()); }
  bool until(const std::function<bool()>& holds) {
    return test::run_until(loop_, [&] { return holds(); });
  }
  // Whether so many requests about Secrets were made, and no more follow. On a slow machine a namespace is listed after
  // its Secret: what is wanted is tried without knowing it, and once more when it is known.
  bool tries_at_most(const std::string& verb, std::size_t most) {
    return !test::run_until(loop_, [&] { return kube_.count(verb, "secrets") > most; }, std::chrono::milliseconds(50));
  }
  // Somebody spoils it again and again, until we do nothing about it for a while.
  void fight(const std::function<void()>& spoil, const std::function<bool()>& is_repaired) {
    for (int i = 0; i < 10 && cause() != ErrorCode::field_conflict; ++i) {
      spoil();
      ASSERT_TRUE(until([&] { return is_repaired() || cause() == ErrorCode::field_conflict; }));
      settle();
    }
    ASSERT_EQ(cause(), ErrorCode::field_conflict);
  }

  [[nodiscard]] std::string password() const {
    const auto secret = kube_.find(cred);
    return secret ? test::password_in(*secret) : "";
  }
  [[nodiscard]] std::string uid() const { return kube_.find(cred).value().at("metadata").at("uid"); }
  [[nodiscard]] std::vector<std::string> pull_secrets() const {
    std::vector<std::string> names;
    const auto object = kube_.find(account).value();
    for (const auto& entry : object.at("imagePullSecrets")) {
      names.push_back(entry.at("name"));
    }
    return names;
  }
  [[nodiscard]] std::vector<StatusRow> rows(const std::string& target = "t") const {
    std::vector<StatusRow> rows;
    cluster_.add_rows(target, rows);
    return rows;
  }
  [[nodiscard]] StatusRow row(const std::string& target = "t") const {
    const auto all = rows(target);
    return all.empty() ? StatusRow() : all.front();
  }
  [[nodiscard]] SyncState state() const { return row().state; }
  [[nodiscard]] ErrorCode cause() const { return row().cause ? row().cause->code() : ErrorCode::internal; }
  // Answers each write of the Secret like this, until answer_writes().
  void refuse_writes(int status, std::string_view reason, json details = {}, const std::string& message = "no") {
    json body = FakeTransport::status_body(status, reason, message);
    body["details"] = std::move(details);
    kube_.transport.answer("PATCH", "/api/v1/namespaces/team/secrets/cred", status, body);
  }
  void answer_writes() { kube_.transport.forget_scripts("PATCH", "/api/v1/namespaces/team/secrets/cred"); }

  // A namespace is selected by its label tier.
  static Target selecting() {
    Target target = test::make_target("t", "cred", {});
    target.namespace_selector = LabelSelector::parse("tier=a");
    return target;
  }
  void label(const std::string& tier) {
    kube_.edit({"namespaces", "", "team"}, [&](json& object) { object["metadata"]["labels"]["tier"] = tier; });
  }

  std::chrono::milliseconds label_grace_;
  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  test::Wanted wanted_;
  std::vector<Change> changes_;
  std::vector<std::string> asked_elsewhere_;  // uids
  std::optional<Error> elsewhere_;            // the answer
  Cluster cluster_{loop_.get_executor(),
                   test::context_of_test(),
                   kube_.transport.connect(),
                   {.owner = test::owner_of_test(),
                    .on_written = [this](const Change& change) { changes_.push_back(change); },
                    .check_elsewhere = [this](const std::string& /*context*/, const Key& /*key*/, std::string uid,
                                              Taking /*taking*/) -> asio::awaitable<void> {
                      asked_elsewhere_.push_back(std::move(uid));
                      if (elsewhere_) {
                        throw Error(*elsewhere_);
                      }
                      co_return;
                    },
                    .label_grace = label_grace_},
                   [](const ChangedRows& /*rows*/) {}};
};

// --- writes

TEST_F(ClusterTest, WhatIsMissingIsCreatedOnce) {
  begin();
  EXPECT_EQ(password(), "first");
  EXPECT_EQ(state(), SyncState::in_sync);
  EXPECT_EQ(kube_.writes(), 1U);
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].kind, Change::Kind::created);
  EXPECT_EQ(changes_[0].context, "c");
  const auto made = kube_.find(cred).value();
  EXPECT_EQ(made.at("metadata").at("labels").at(managed_by_label), managed_by_value);
  EXPECT_EQ(made.at("metadata").at("annotations").at(place_annotation), "team/cred");
}

TEST_F(ClusterTest, AnotherLoginUpdatesInPlace) {
  begin();
  const auto before = uid();
  wanted_.login("second");
  apply();
  EXPECT_EQ(password(), "second");
  EXPECT_EQ(uid(), before);
  EXPECT_EQ(kube_.count("delete"), 0U);
  EXPECT_EQ(kube_.writes(), 2U);
}

TEST_F(ClusterTest, WhatIsRightIsNotWritten) {
  begin();
  kube_.forget_requests();
  apply();
  cluster_.kick();
  settle();
  EXPECT_EQ(kube_.writes(), 0U);
  EXPECT_EQ(kube_.count("get"), 0U);
}

TEST_F(ClusterTest, ItMayWriteUntilItHasSettled) {
  begin();
  EXPECT_FALSE(cluster_.may_write_anything());
  kube_.transport.hold();
  wanted_.login("second");
  cluster_.set_desired(wanted_.state(), wanted_.places());
  EXPECT_TRUE(cluster_.may_write_anything());
  EXPECT_TRUE(cluster_.may_write(key));
  EXPECT_FALSE(cluster_.may_write({"other", "cred"}));
  kube_.transport.release();
  settle();
  EXPECT_FALSE(cluster_.may_write_anything());
  EXPECT_FALSE(cluster_.may_write(key));
}

TEST_F(ClusterTest, AWriteThatFailedIsStillToCome) {
  refuse_writes(500, "InternalError");
  begin();
  EXPECT_TRUE(cluster_.may_write(key));
  EXPECT_TRUE(cluster_.may_write_anything());
}

TEST_F(ClusterTest, WhatSomebodyChangedOrDeletedIsPutRight) {
  begin();
  kube_.edit(cred, [](json& secret) { secret["data"][".dockerconfigjson"] = "e30="; });
  EXPECT_TRUE(until([&] { return password() == "first"; }));
  kube_.erase(cred);
  EXPECT_TRUE(until([&] { return password() == "first"; }));
  ASSERT_TRUE(until([&] { return changes_.size() == 3; }));
  EXPECT_EQ(changes_[1].why, Why::drifted);
  EXPECT_EQ(changes_[2].kind, Change::Kind::created);
}

TEST_F(ClusterTest, ANamespaceThatIsMadeLaterGetsItsSecret) {
  begin(test::make_target("t", "cred", {"late"}));
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::namespace_missing);
  EXPECT_TRUE(tries_at_most("apply", 1));
  kube_.make_namespace("late");
  EXPECT_TRUE(until([&] { return kube_.find({"secrets", "late", "cred"}).has_value(); }));
}

TEST_F(ClusterTest, WhatATargetNoLongerCoversIsDeleted) {
  begin();
  wanted_.drop("t");
  apply();
  EXPECT_FALSE(kube_.find(cred));
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].why, Why::not_covered);
  EXPECT_EQ(asked_elsewhere_.size(), 1U) << "another context may lead to the same cluster";
}

TEST_F(ClusterTest, ASecretStaysUntilTheOneWithItsNewNameIsInSync) {
  Target target = test::make_target();
  target.service_accounts = {"default"};
  begin_renamed(target);
  EXPECT_TRUE(kube_.find(cred)) << "else pods would have neither";
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred"));
  const auto all = rows();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].state, SyncState::stuck);
  EXPECT_EQ(all[1].state, SyncState::removing);
  EXPECT_EQ(all[1].cause.value().code(), ErrorCode::cancelled);
  EXPECT_FALSE(cluster_.is_clean_of("t", *wanted_.places()));

  changes_.clear();
  kube_.erase(other);
  ASSERT_TRUE(until([&] { return !kube_.find(cred); }));
  EXPECT_TRUE(kube_.find(other));
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "other"));
  std::vector<std::string> order;
  for (const Change& change : changes_) {
    order.push_back(change.secret + (change.kind == Change::Kind::deleted    ? " deleted"
                                     : change.kind == Change::Kind::created  ? " created"
                                     : change.kind == Change::Kind::attached ? " attached"
                                                                             : " detached"));
  }
  EXPECT_THAT(order, ElementsAre("other created", "other attached", "cred detached", "cred deleted"));
  settle();
  EXPECT_EQ(state(), SyncState::in_sync);
  EXPECT_TRUE(until([&] { return cluster_.is_clean_of("t", *wanted_.places()); }));
}

TEST_F(ClusterTest, ASecretThatWaitsForTheOneWithItsNewNameKeepsWorking) {
  Target target = test::make_target();
  target.service_accounts = {"default"};
  begin_renamed(target);
  wanted_.login("second");
  apply();
  EXPECT_TRUE(until([&] { return password() == "second"; }));
  EXPECT_EQ(kube_.find(other).value().at("data").at(".dockerconfigjson"), "e30=") << "that one is not ours";

  kube_.edit(cred, [](json& secret) { secret["data"][".dockerconfigjson"] = "e30="; });
  EXPECT_TRUE(until([&] { return password() == "second"; }));
  kube_.erase(account);
  kube_.put(account, {{"imagePullSecrets", {{{"name", "theirs"}}}}});
  EXPECT_TRUE(until([&] { return pull_secrets().size() == 2; }));
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred"));
  settle();
  const auto all = rows();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].state, SyncState::removing);
  EXPECT_EQ(all[1].cause.value().code(), ErrorCode::cancelled);

  kube_.erase(other);
  EXPECT_TRUE(until([&] { return !kube_.find(cred); }));
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "other"));
}

TEST_F(ClusterTest, ASecretThatCouldNotBeKeptCurrentStillGoesOnceTheOneWithItsNewNameIsThere) {
  begin_renamed();
  kube_.forbids = [](const test::ApiRequest& request) { return request.verb == "apply" && request.key.name == "cred"; };
  wanted_.login("second");
  apply();
  EXPECT_EQ(password(), "first");
  kube_.erase(other);
  EXPECT_TRUE(until([&] { return kube_.find(other) && !kube_.find(cred); }));
}

// Neither is the successor of the other: both have a target that wants them, or may.
TEST_F(ClusterTest, TwoTargetsThatExchangeTheNamesOfTheirSecretsWaitForNobody) {
  Target first = test::make_target("t", "cred");
  Target second = test::make_target("u", "other");
  begin(first);
  begin(second);
  ASSERT_TRUE(kube_.find(other));
  first.secret = "other";
  second.secret = "cred";
  wanted_.put(first);
  wanted_.put(second);
  wanted_.set_uncertain({"t", "u"});
  apply();
  EXPECT_TRUE(tries_at_most("patch", 2)) << "the files may not be whole yet";
  EXPECT_TRUE(kube_.find(cred));
  EXPECT_TRUE(kube_.find(other));

  kube_.forbids = [](const test::ApiRequest& request) { return request.verb == "patch"; };
  wanted_.set_uncertain({});
  apply();
  EXPECT_TRUE(tries_at_most("patch", 20)) << "each failure has its pause";
  kube_.forbids = [](const test::ApiRequest&) { return false; };
  EXPECT_TRUE(until([&] {
    return kube_.find(cred).value().dump().find(R"("regsync.dev/target":"u")") != std::string::npos &&
           kube_.find(other).value().dump().find(R"("regsync.dev/target":"t")") != std::string::npos;
  }));
}

TEST_F(ClusterTest, ASecretWhoseTargetLeavesItsNamespaceWaitsForNoOtherOne) {
  begin_renamed();
  ASSERT_TRUE(kube_.find(cred));
  begin(test::make_target("t", "other", {"elsewhere"}));
  EXPECT_TRUE(until([&] { return !kube_.find(cred); }));
}

TEST_F(ClusterTest, ANamespaceThatLosesItsLabelLosesItsSecret) {
  label("a");
  begin(selecting());
  ASSERT_EQ(password(), "first");
  label("b");
  EXPECT_TRUE(until([&] { return !kube_.find(cred); }));
  EXPECT_EQ(changes_.back().why, Why::unlabelled);
}

TEST_F(ClusterTest, ANamespaceThatLosesItsLabelAgainAndAgainLosesItsSecretMoreSlowly) {
  label("a");
  begin(selecting());
  const auto flicker = [&] {
    label("a");
    ASSERT_TRUE(until([&] { return password() == "first"; }));
    label("b");
  };
  ASSERT_NO_FATAL_FAILURE(fight(flicker, [&] { return !kube_.find(cred); }));
  EXPECT_EQ(state(), SyncState::removing);
  EXPECT_THAT(row().cause->message(), HasSubstr("namespace team gains and loses labels"));
  const auto before = uid();
  label("a");
  EXPECT_TRUE(until([&] { return state() == SyncState::in_sync; }));
  EXPECT_EQ(uid(), before);
}

class WithinTheGrace : public ClusterTest {
 protected:
  WithinTheGrace() : ClusterTest(std::chrono::minutes(1)) {
    label("a");
    begin(selecting());
  }
};

TEST_F(WithinTheGrace, ANamespaceThatHasLostItsLabelKeepsItsSecret) {
  const auto before = uid();
  for (int i = 0; i < 3; ++i) {
    label("b");
    ASSERT_TRUE(until([&] { return state() == SyncState::removing; }));
    EXPECT_EQ(cause(), ErrorCode::cancelled);
    EXPECT_TRUE(cluster_.awaits_labels([](const std::string& target) { return target == "t"; }));
    EXPECT_FALSE(cluster_.awaits_labels([](const std::string& target) { return target != "t"; }));
    EXPECT_FALSE(cluster_.is_clean_of("t", *wanted_.places()));
    label("a");
    ASSERT_TRUE(until([&] { return state() == SyncState::in_sync; }));
    EXPECT_FALSE(cluster_.awaits_labels([](const std::string& /*target*/) { return true; }));
  }
  EXPECT_EQ(uid(), before);
  EXPECT_EQ(kube_.count("delete"), 0U);
}

TEST_F(WithinTheGrace, NoOtherTargetTakesItsSecret) {
  wanted_.put(test::make_target("another"));
  apply();
  label("b");
  ASSERT_TRUE(until([&] { return state() == SyncState::removing; }));
  EXPECT_EQ(kube_.find(cred)->at("metadata").at("annotations").at(target_annotation), "t");
  EXPECT_THAT(row("another").cause->message(), HasSubstr("it is not certain yet that it gives it up"));
}

TEST_F(WithinTheGrace, WhatATargetGivesUpByItsWordsGoesAtOnce) {
  label("b");
  ASSERT_TRUE(until([&] { return state() == SyncState::removing; }));
  label("a");
  ASSERT_TRUE(until([&] { return state() == SyncState::in_sync; })) << "and the grace has begun anew";
  auto target = selecting();
  target.exclude_namespaces = {"team"};
  begin(target);
  EXPECT_FALSE(kube_.find(cred));
  EXPECT_EQ(changes_.back().why, Why::not_covered);
}

TEST_F(ClusterTest, LabelsThatMayNotBeReadAnyMoreDeleteNothing) {
  label("a");
  auto target = selecting();
  begin(target);
  ASSERT_EQ(password(), "first");
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "namespaces"; };
  cluster_.kick();
  settle();
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::forbidden);
  target.namespace_selector = LabelSelector::parse("tier=b");
  begin(target);
  EXPECT_TRUE(kube_.find(cred)) << "it may be labelled so by now";
  kube_.forbids = [](const test::ApiRequest& /*request*/) { return false; };
  cluster_.kick();
  settle();
  EXPECT_TRUE(until([&] { return !kube_.find(cred); })) << "it is not";
}

TEST_F(ClusterTest, WhatAnotherContextWantsIsNotDeleted) {
  begin();
  elsewhere_ = Error(ErrorCode::already_exists, "wanted through context d");
  wanted_.drop("t");
  apply();
  EXPECT_TRUE(kube_.find(cred));
  EXPECT_EQ(kube_.count("delete"), 0U);
  EXPECT_THAT(asked_elsewhere_, ElementsAre(uid()));
}

TEST_F(ClusterTest, WhatATargetLeftWhoseFileIsGoneIsNotDeleted) {
  begin();
  wanted_.lose("t");
  apply();
  EXPECT_TRUE(kube_.find(cred));
}

// --- what is not ours

TEST_F(ClusterTest, WhatIsNotOursIsNotTouchedUntilAPersonAdoptsIt) {
  kube_.put(cred, test::foreign_secret());
  const auto before = kube_.find(cred).value();
  begin();
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::not_owned);
  EXPECT_THAT(row().cause->remedy(), HasSubstr("--adopt"));
  EXPECT_EQ(kube_.find(cred).value(), before);

  cluster_.adopt({"t"});
  settle();
  EXPECT_EQ(password(), "first");
  EXPECT_EQ(uid(), before.at("metadata").at("uid").get<std::string>());
  EXPECT_EQ(state(), SyncState::in_sync);
  EXPECT_EQ(changes_.back().kind, Change::Kind::adopted);
}

TEST_F(ClusterTest, AnAdoptionThatFailedIsShownAsThatAndIsNotMadeLater) {
  kube_.put(cred, test::foreign_secret());
  begin();
  kube_.forbids = [](const test::ApiRequest& request) { return request.verb == "apply"; };
  cluster_.adopt({"t"});
  settle();
  cluster_.end_adoptions();
  EXPECT_EQ(cause(), ErrorCode::forbidden);
  kube_.forbids = [](const test::ApiRequest&) { return false; };
  cluster_.kick();
  settle();
  EXPECT_EQ(cause(), ErrorCode::not_owned);
  EXPECT_EQ(password(), "");
}

TEST_F(ClusterTest, AnAdoptionIsOfTheTargetThatWasNamed) {
  kube_.put(cred, test::foreign_secret());
  wanted_.put(test::make_target("a"));
  begin(test::make_target("b"));
  cluster_.adopt({"b"});
  settle();
  EXPECT_EQ(kube_.writes(), 0U) << "the Secret would become that of a";
  cluster_.adopt({"a"});
  settle();
  EXPECT_EQ(password(), "first");
}

TEST_F(ClusterTest, WhatIsNotOursCannotBeAdoptedWhereItsTypeIsAnother) {
  kube_.put(cred, test::foreign_secret("Opaque"));
  begin();
  cluster_.adopt({"t"});
  settle();
  EXPECT_EQ(cause(), ErrorCode::immutable);
  EXPECT_EQ(kube_.writes(), 0U);
}

TEST_F(ClusterTest, ASecretThatSomebodyMadeSinceTheListIsNotOverwritten) {
  begin(test::make_target("t", "cred", {"late"}));
  // Between the namespace's event and our create, somebody else is faster.
  kube_.transport.on("PATCH", "/api/v1/namespaces/late/secrets/cred", [this](const kube::HttpRequest&) {
    kube_.transport.forget_scripts("PATCH", "/api/v1/namespaces/late/secrets/cred");
    kube_.put({"secrets", "late", "cred"}, test::foreign_secret());
    return FakeTransport::respond(409, FakeTransport::status_body(409, "Conflict", "it exists").dump());
  });
  kube_.make_namespace("late");
  ASSERT_TRUE(until([&] { return cause() == ErrorCode::not_owned; }));
  EXPECT_EQ(test::password_in(kube_.find({"secrets", "late", "cred"}).value()), "");
}

TEST_F(ClusterTest, TheCopyOfOurSecretElsewhereIsNotOurs) {
  begin();
  auto copy = kube_.find(cred).value();
  copy["metadata"] = {{"labels", copy["metadata"]["labels"]}, {"annotations", copy["metadata"]["annotations"]}};
  kube_.make_namespace("other");
  kube_.put({"secrets", "other", "cred"}, copy);
  begin(test::make_target("t", "cred", {"team", "other"}));
  const auto all = rows();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].cause->code(), ErrorCode::not_owned) << "other";
  EXPECT_EQ(all[1].state, SyncState::in_sync) << "team";
}

TEST_F(ClusterTest, AForeignSecretThatGoesAwayMakesRoom) {
  kube_.put(cred, test::foreign_secret());
  begin();
  ASSERT_EQ(cause(), ErrorCode::not_owned);
  kube_.erase(cred);
  EXPECT_TRUE(until([&] { return password() == "first"; }));
}

// --- answers of an API server

TEST_F(ClusterTest, AForbiddenWriteWaitsForAPerson) {
  kube_.forbids = [](const test::ApiRequest& request) { return request.verb == "apply"; };
  begin();
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::forbidden);
  EXPECT_TRUE(row().next_try) << "rights are granted without an event";
  EXPECT_TRUE(tries_at_most("apply", 2));
  kube_.forbids = [](const test::ApiRequest&) { return false; };
  cluster_.kick();
  settle();
  EXPECT_EQ(state(), SyncState::in_sync);
}

TEST_F(ClusterTest, WhatAnAdmissionRuleRefusesIsToldInItsWords) {
  refuse_writes(422, "Invalid", {}, "registries must be internal");
  begin();
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::rejected);
  EXPECT_THAT(row().cause->message(), HasSubstr("registries must be internal"));
}

TEST_F(ClusterTest, AnOverloadedServerIsAskedAgainWhenItSays) {
  kube_.transport.on("PATCH", "/api/v1/namespaces/team/secrets/cred", [](const kube::HttpRequest&) {
    auto response = FakeTransport::respond(429, FakeTransport::status_body(429, "TooManyRequests", "busy").dump());
    response.retry_after = std::chrono::seconds(40);
    return response;
  });
  begin();
  EXPECT_EQ(state(), SyncState::retrying);
  EXPECT_EQ(cause(), ErrorCode::overloaded);
  ASSERT_TRUE(row().next_try);
  EXPECT_GT(*row().next_try, std::chrono::system_clock::now() + std::chrono::seconds(35));
  answer_writes();
  cluster_.kick();
  settle();
  EXPECT_EQ(state(), SyncState::in_sync) << "a person need not wait";
}

TEST_F(ClusterTest, AFieldOfAnotherManagerIsTheirs) {
  json causes =
      json::array({{{"reason", "FieldManagerConflict"}, {"message", "conflict with \"flux\""}, {"field", ".data"}}});
  refuse_writes(409, "Conflict", {{"causes", std::move(causes)}}, "conflict with \"flux\"");
  begin();
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::field_conflict);
}

TEST_F(ClusterTest, ANamespaceThatIsBeingDeletedGetsNothing) {
  kube_.cluster.terminate_namespace("team");
  begin();
  EXPECT_EQ(state(), SyncState::terminating);
  EXPECT_FALSE(kube_.find(cred));
  EXPECT_TRUE(tries_at_most("apply", 1));
}

// `kubectl delete namespace team && kubectl create namespace team`.
TEST_F(ClusterTest, ANamespaceThatIsMadeAnewGetsItsSecretWhereNamespacesMayNotBeListed) {
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "namespaces"; };
  kube_.cluster.terminate_namespace("team");
  begin();
  EXPECT_EQ(state(), SyncState::terminating);
  ASSERT_TRUE(row().next_try);
  EXPECT_LT(*row().next_try, std::chrono::system_clock::now() + std::chrono::minutes(1));
  kube_.erase({"namespaces", "", "team"});
  kube_.make_namespace("team");
  EXPECT_TRUE(until([&] { return state() == SyncState::in_sync; }));
  EXPECT_EQ(password(), "first");
}

TEST_F(ClusterTest, ANamespaceThatIsMadeLaterGetsItsSecretWhereNamespacesMayNotBeListed) {
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "namespaces"; };
  begin(test::make_target("t", "cred", {"late"}));
  EXPECT_EQ(cause(), ErrorCode::namespace_missing);
  kube_.make_namespace("late");
  EXPECT_TRUE(until([&] { return kube_.find({"secrets", "late", "cred"}).has_value(); }));
}

TEST_F(ClusterTest, AnUpdateThatLostARaceIsDecidedAgain) {
  begin();
  int races = 0;
  kube_.transport.on("PATCH", "/api/v1/namespaces/team/secrets/cred", [&](const kube::HttpRequest&) {
    if (++races == 2) {
      answer_writes();
    }
    return FakeTransport::respond(409, FakeTransport::status_body(409, "Conflict", "modified").dump());
  });
  wanted_.login("second");
  apply();
  EXPECT_EQ(password(), "second");
  EXPECT_EQ(kube_.count("get", "secrets"), 2U) << "read again after each";
}

TEST_F(ClusterTest, AnAnswerThatIsNoSecretIsAProblemOfTheKey) {
  kube_.transport.on("PATCH", "/api/v1/namespaces/team/secrets/cred",
                     [](const kube::HttpRequest&) { return FakeTransport::respond(200, "<html>"); });
  begin();
  EXPECT_EQ(state(), SyncState::retrying);
  EXPECT_EQ(cause(), ErrorCode::protocol);
  EXPECT_TRUE(cluster_.status().connected);
}

// --- others who write

TEST_F(ClusterTest, AMutatingPolicyIsSeenInTheAnswer) {
  kube_.cluster.set_policy([](const test::FakeKube::Key& at, json& object) {
    if (at.resource == "secrets") {
      object["data"][".dockerconfigjson"] = "e30=";
    }
  });
  begin();
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::rejected);
  EXPECT_THAT(row().cause->message(), HasSubstr("mutating admission policy"));
  EXPECT_LE(kube_.count("apply"), 5U) << "it is not fought";
}

TEST_F(ClusterTest, SomebodyWhoKeepsChangingItBackIsNotFoughtAtFullSpeed) {
  begin();
  const auto spoil = [&] { kube_.edit(cred, [](json& secret) { secret["data"][".dockerconfigjson"] = "e30="; }); };
  ASSERT_NO_FATAL_FAILURE(fight(spoil, [&] { return password() == "first"; }));
  EXPECT_THAT(row().cause->message(), HasSubstr("again and again"));
  EXPECT_EQ(state(), SyncState::retrying);
  EXPECT_TRUE(row().next_try);
  const auto writes = kube_.writes();
  kube_.edit(cred, [](json& secret) { secret["data"][".dockerconfigjson"] = "e31="; });
  settle();
  EXPECT_EQ(kube_.writes(), writes) << "the next repair waits";
}

// As after a home was copied, or a machine cloned.
TEST_F(ClusterTest, AnotherRegsyncWithTheSameOwnerIdIsNamed) {
  begin();
  const auto spoil = [&] {
    kube_.edit(cred, [](json& secret) {
      secret["data"][".dockerconfigjson"] = "e30=";
      secret["metadata"]["annotations"]["regsync.dev/owner"] = std::string(test::owner_id) + " jdoe@clone";
    });
  };
  ASSERT_NO_FATAL_FAILURE(fight(spoil, [&] { return password() == "first"; }));
  EXPECT_THAT(row().cause->message(), HasSubstr("bears the name of regsync of jdoe@clone"));
}

// --- ServiceAccounts

TEST_F(ClusterTest, AServiceAccountKeepsTheEntriesOfOthers) {
  auto target = test::make_target();
  target.service_accounts = {"default"};
  begin(target);
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred"));
  target.service_accounts.clear();
  begin(target);
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs"));
  EXPECT_EQ(state(), SyncState::in_sync);
}

TEST_F(ClusterTest, AnEntryThatSomebodyElseMadeStays) {
  kube_.edit(account, [](json& object) { object["imagePullSecrets"].push_back({{"name", "cred"}}); });
  auto target = test::make_target();
  target.service_accounts = {"default"};
  begin(target);
  wanted_.drop("t");
  apply();
  EXPECT_FALSE(kube_.find(cred));
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred"));
}

// As where a ServiceAccount was exported to Git with our entry and our annotations.
class EnforcedAccount : public ClusterTest {
 protected:
  EnforcedAccount() {
    target_.service_accounts = {"default"};
    label("a");
    begin(target_);
    exported_ = kube_.find(account).value();
  }
  bool is_detached() const { return pull_secrets() == std::vector<std::string>{"theirs"}; }
  // A controller puts it back.
  void fight_for_account() {
    const auto put_back = [this] { kube_.edit(account, [this](json& object) { object = exported_; }); };
    ASSERT_NO_FATAL_FAILURE(fight(put_back, [this] { return is_detached(); }));
    EXPECT_THAT(row().cause->message(), HasSubstr("ServiceAccount team/default is changed again and again"));
    bool waits = false;
    for (int i = 0; i < 5 && !waits; ++i) {  // its time may have come on a slow machine
      const auto writes = kube_.writes();
      kube_.edit(account, [&](json& object) { object["metadata"]["labels"]["another"] = std::to_string(i); });
      settle();
      waits = kube_.writes() == writes;
    }
    EXPECT_TRUE(waits) << "the next one waits";
  }

  Target target_ = selecting();
  json exported_;
};

TEST_F(EnforcedAccount, IsNotFoughtAtFullSpeedWhereTheTargetNamesItNoMore) {
  target_.service_accounts.clear();
  begin(target_);
  ASSERT_TRUE(is_detached());
  fight_for_account();
  EXPECT_EQ(state(), SyncState::retrying);
}

TEST_F(EnforcedAccount, IsNotFoughtAtFullSpeedWhereTheTargetWantsTheNamespaceNoMore) {
  label("b");
  ASSERT_TRUE(until([this] { return !kube_.find(cred) && is_detached(); }));
  fight_for_account();
  EXPECT_EQ(state(), SyncState::removing);
}

TEST_F(ClusterTest, OfAPinnedContextThatLeadsElsewhereNoServiceAccountIsTouched) {
  auto target = test::make_target();
  target.service_accounts = {"default"};
  begin(target);
  target.service_accounts = {"builder"};
  kube_.put({"serviceaccounts", "team", "builder"}, json::object());
  kube_.forget_requests();
  wanted_.put(target);
  wanted_.freeze("t");
  apply();
  EXPECT_EQ(kube_.writes(), 0U);
  EXPECT_EQ(state(), SyncState::stuck);
  EXPECT_EQ(cause(), ErrorCode::kubeconfig);
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred"));
}

TEST_F(ClusterTest, InANamespaceThatIsBeingDeletedNoServiceAccountIsMissed) {
  auto target = test::make_target();
  begin(target);
  kube_.cluster.terminate_namespace("team");
  kube_.make_namespace("other");  // watches are told
  ASSERT_TRUE(until([&] { return state() == SyncState::terminating; }));
  target.service_accounts = {"default", "builder"};
  wanted_.put(target);
  kube_.forget_requests();
  apply();
  EXPECT_EQ(state(), SyncState::terminating);
  EXPECT_EQ(kube_.writes(), 0U);
}

class DeletedByOthers : public ClusterTest {
 protected:
  // The Secret that was attached is gone, and cannot be made again.
  DeletedByOthers() {
    target_.service_accounts = {"default"};
    begin(target_);
    wanted_.logout();
    apply();
    kube_.erase(cred);
    EXPECT_TRUE(until([this] { return cause() == ErrorCode::login_missing; }));
  }
  [[nodiscard]] bool is_clean() const { return cluster_.is_clean_of("t", *wanted_.places()); }

  Target target_ = test::make_target();
};

TEST_F(DeletedByOthers, ItsEntryGoesWithItsTarget) {
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred")) << "it is wanted";
  kube_.transport.hold();
  wanted_.drop("t");
  cluster_.set_desired(wanted_.state(), wanted_.places());
  EXPECT_FALSE(is_clean());
  kube_.transport.release();
  settle();
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs"));
  EXPECT_TRUE(is_clean());
  EXPECT_EQ(changes_.back().kind, Change::Kind::detached);
}

TEST_F(DeletedByOthers, ItsEntryGoesWhereTheTargetNamesTheAccountNoMore) {
  target_.service_accounts.clear();
  begin(target_);
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs"));
}

TEST_F(DeletedByOthers, ItsEntryStaysWhereNobodyKnowsWhetherItsTargetGaveItUp) {
  wanted_.lose("t");
  apply();
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred"));
  EXPECT_FALSE(cluster_.is_empty_of("t", *wanted_.places())) << "it is remembered";
}

TEST_F(DeletedByOthers, ItsEntryIsNotRemovedThatCannotBe) {
  kube_.forbids = [](const test::ApiRequest& request) { return request.verb == "patch"; };
  wanted_.drop("t");
  apply();
  EXPECT_FALSE(is_clean());
  kube_.forbids = [](const test::ApiRequest& /*request*/) { return false; };
  cluster_.kick();
  settle();
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs"));
  EXPECT_TRUE(is_clean());
}

TEST_F(DeletedByOthers, ItsEntryStaysWhereSomebodyMadeASecretInItsPlace) {
  kube_.put(cred, test::foreign_secret());
  cluster_.kick();
  settle();
  wanted_.drop("t");
  apply();
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred"));
  EXPECT_TRUE(is_clean());
}

TEST_F(ClusterTest, AMissingServiceAccountIsNamedAndFollowed) {
  auto target = test::make_target();
  target.service_accounts = {"builder", "default"};
  begin(target);
  EXPECT_EQ(password(), "first");
  EXPECT_EQ(cause(), ErrorCode::service_account_missing);
  EXPECT_THAT(row().cause->message(), HasSubstr("builder"));
  EXPECT_THAT(pull_secrets(), ElementsAre("theirs", "cred")) << "the others are attached";
  kube_.put({"serviceaccounts", "team", "builder"}, json::object());
  EXPECT_TRUE(until([&] { return state() == SyncState::in_sync; }));
}

// As `regsync rbac` prints the rights: where a target names its accounts, to those alone.
TEST_F(ClusterTest, APatternOfAnotherTargetDoesNotHideTheAccountsThatATargetNames) {
  kube_.forbids = [](const test::ApiRequest& request) {
    const bool is_one = !request.key.name.empty() || !request.parameter("fieldSelector").empty();
    const bool allowed = request.key.name_space == "other" || (request.key.name_space == "team" && is_one);
    return request.key.resource == "serviceaccounts" && !allowed;
  };
  kube_.make_namespace("other");
  auto broad = test::make_target("broad", "cred-of-all", {"other"});
  broad.service_accounts = {"*"};
  wanted_.put(broad);
  auto target = test::make_target();
  target.service_accounts = {"default"};
  begin(target);
  EXPECT_TRUE(until([&] { return state() == SyncState::in_sync && pull_secrets().size() == 2; }));
  kube_.forget_requests();
  kube_.edit(account, [](json& object) { object["imagePullSecrets"] = json::array(); });
  EXPECT_TRUE(until([&] { return pull_secrets() == std::vector<std::string>{"cred"}; })) << "an event tells";
  EXPECT_EQ(row("broad").state, SyncState::in_sync);
}

// --- pods that wait for what was repaired

class Healing : public ClusterTest {
 protected:
  Healing() {
    target_.heal = true;
    kube_.put(
        pod,
        {{"metadata",
          {{"name", "app-1"},
           {"namespace", "team"},
           {"ownerReferences",
            {{{"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"}, {"name", "app"}, {"controller", true}}}}}},
         {"spec",
          {{"imagePullSecrets", {{{"name", "cred"}}}},
           {"containers", {{{"name", "main"}, {"image", "ghcr.io/acme/app"}}}}}},
         {"status",
          {{"phase", "Pending"},
           {"containerStatuses", {{{"name", "main"}, {"state", {{"waiting", {{"reason", "ImagePullBackOff"}}}}}}}}}}});
  }
  // Whether the pod is evicted where a person does this while pods are looked at.
  bool evicts_after(const std::function<void()>& change) {
    const std::string pods = "/api/v1/namespaces/team/pods";
    bool looked = false;
    kube_.transport.on("GET", pods, [&, pods](const kube::HttpRequest&) {
      looked = true;
      change();
      cluster_.set_desired(wanted_.state(), wanted_.places());
      const json list{{"metadata", json::object()}, {"items", {kube_.find(pod).value()}}};
      return FakeTransport::respond(200, list.dump());
    });
    begin(target_);
    EXPECT_TRUE(until([&] { return looked; }));
    test::run_until(loop_, [this] { return !kube_.find(pod); }, std::chrono::milliseconds(50));
    kube_.transport.forget_scripts("GET", pods);
    return !kube_.find(pod);
  }

  static inline const test::FakeKube::Key pod{"pods", "team", "app-1"};
  Target target_ = test::make_target();
};

TEST_F(Healing, EvictsWhatTheTargetStillWants) {
  EXPECT_TRUE(evicts_after([] {}));
}

TEST_F(Healing, EndsWithAPauseOfTheTargetOrItsContext) {
  EXPECT_FALSE(evicts_after([this] {
    target_.paused = true;  // as the engine says it of either
    wanted_.put(target_);
  }));
}

TEST_F(Healing, EndsWhereTheTargetGoesNoMore) {
  EXPECT_FALSE(evicts_after([this] { wanted_.drop("t"); }));
}

TEST_F(Healing, EndsWhereTheTargetSaysSoNoMore) {
  EXPECT_FALSE(evicts_after([this] {
    target_.heal = false;
    wanted_.put(target_);
  }));
}

// --- lists and watches

TEST_F(ClusterTest, NothingIsWrittenBeforeTheListIsComplete) {
  kube_.transport.hold();
  wanted_.put(test::make_target());
  cluster_.set_desired(wanted_.state(), wanted_.places());
  ASSERT_TRUE(until([&] { return !kube_.transport.requests().empty(); }));
  EXPECT_EQ(state(), SyncState::pending);
  EXPECT_FALSE(cluster_.status().connected);
  EXPECT_EQ(kube_.transport.count("PATCH"), 0U);
  kube_.transport.release();
  settle();
  EXPECT_EQ(state(), SyncState::in_sync);
}

TEST_F(ClusterTest, ADeletionThatTheWatchMissedIsSeenInTheNextList) {
  begin();
  kube_.transport.end_streams();
  kube_.cluster.remove({"secrets", "team", "cred"}, {});
  kube_.cluster.compact();  // the watch cannot go on: 410
  EXPECT_TRUE(until([&] { return password() == "first"; }));
}

TEST_F(ClusterTest, AServerThatIsAwayIsARetryAndNothingIsDeleted) {
  begin();
  kube_.transport.on("", "", [](const kube::HttpRequest&) -> kube::HttpResponse {
    throw Error(ErrorCode::unreachable, "connection refused");
  });
  kube_.transport.end_streams();
  ASSERT_TRUE(until([&] { return cluster_.status().problem.has_value(); }));
  EXPECT_FALSE(cluster_.status().connected);
  kube_.forget_requests();
  wanted_.login("second");
  cluster_.set_desired(wanted_.state(), wanted_.places());
  EXPECT_EQ(state(), SyncState::retrying);
  EXPECT_EQ(cause(), ErrorCode::unreachable);
  kube_.transport.forget_scripts("", "");
  EXPECT_EQ(kube_.requests().size(), 0U);
}

TEST_F(ClusterTest, OfAServerThatAnswersEverythingWithAFaultNothingIsInSync) {
  begin();
  kube_.transport.answer("GET", "/api", 503, FakeTransport::status_body(503, "ServiceUnavailable", "no upstream"));
  kube_.transport.end_streams();
  EXPECT_TRUE(until([&] { return cause() == ErrorCode::server_error; }));
  EXPECT_EQ(state(), SyncState::retrying);
  kube_.transport.forget_scripts("GET", "/api");
  cluster_.kick();
  EXPECT_TRUE(until([&] { return state() == SyncState::in_sync; }));
}

TEST_F(ClusterTest, ASecretIsReadOnDemandWhereItMayNotBeWatched) {
  kube_.forbids = [](const test::ApiRequest& request) {
    return request.key.resource == "secrets" && (request.verb == "list" || request.verb == "watch");
  };
  kube_.put(cred, test::foreign_secret());
  begin();
  EXPECT_EQ(cause(), ErrorCode::not_owned);
  EXPECT_TRUE(tries_at_most("get", 2));
  EXPECT_TRUE(row().next_try) << "no event will tell";
  EXPECT_TRUE(cluster_.status().connected);
}

// A proxy or an odd server: it must not be trusted, and nothing may be written over blindly because of it.
TEST_F(ClusterTest, AnEventWithoutAVersionIsAProblemOfItsObjectOnly) {
  begin();
  auto object = kube_.find(cred).value();
  object["metadata"].erase("resourceVersion");
  object["data"][".dockerconfigjson"] = "e30=";
  kube_.forget_requests();
  kube_.transport.send_event("/api/v1/namespaces/team/secrets?", "MODIFIED", object);
  ASSERT_TRUE(until([&] { return kube_.count("get", "secrets") == 1; }));
  settle();
  EXPECT_EQ(state(), SyncState::in_sync);
  EXPECT_EQ(kube_.writes(), 0U) << "it is as it should be";
  EXPECT_TRUE(cluster_.status().connected);
  EXPECT_FALSE(cluster_.status().problem);
}

TEST_F(ClusterTest, OnlyTheKeysOfWhatChangedAreConsidered) {
  wanted_.put(test::make_target("t", "cred"));
  wanted_.put(test::make_target("u", "other"));
  apply();
  const auto before = kube_.find(other).value();
  kube_.forget_requests();
  auto target = test::make_target();
  target.email = "j@example.com";
  wanted_.put(target);
  apply();
  EXPECT_EQ(kube_.requests().size(), 1U);
  EXPECT_EQ(kube_.find(other).value(), before);
}

// It is written to files and shown.
TEST_F(ClusterTest, AUidThatIsNoneIsNotTold) {
  const test::FakeKube::Key kube_system{"namespaces", "", "kube-system"};
  kube_.put(kube_system, json::object());
  EXPECT_NE(test::run(loop_, cluster_.identity()), "");
  for (const auto& uid : {std::string(1 << 20, 'a'), std::string("aaaaaaa\xc3\xbc"), std::string("\x1b[2J")}) {
    kube_.transport.answer("GET", "/api/v1/namespaces/kube-system", 200, json{{"metadata", {{"uid", uid}}}});
    EXPECT_EQ(test::run(loop_, cluster_.identity()), "") << uid.substr(0, 20);
  }
}

}  // namespace
}  // namespace regsync
