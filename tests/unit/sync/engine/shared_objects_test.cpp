// Whether a Secret may be deleted, or taken over, that another context may reach as well. Where nothing listens behind
// a context, that it was not asked is seen from there being no error.
#include "sync/engine/shared_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/model/secret_object.hpp"
#include "tests/unit/sync/engine/engine_parts.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class SharedObjectsTest : public EngineParts {
 protected:
  static inline const Key key{"team", "cred"};
  static inline const test::FakeKube::Key cred{"secrets", "team", "cred"};

  // An API server that holds the Secret, behind each of these contexts; before they are set.
  test::FakeKube& serve(const std::vector<std::string>& contexts, const Labels& labels = {}) {
    const auto kube = std::make_shared<test::FakeKube>(io_.get_executor());
    kube->make_namespace("team", labels);
    kube->put(cred, {{"type", "kubernetes.io/dockerconfigjson"}, {"data", {{".dockerconfigjson", "e30="}}}});
    for (const auto& context : contexts) {
      kubes_[context] = kube;
    }
    return *kube;
  }
  // Another one behind dev, whose Secret of that name is another one. Returns its uid.
  std::string serve_dev() {
    test::FakeKube& kube = serve({"dev"});
    const json secret = kube.find(cred).value();
    kube.erase(cred);
    kube.put(cred, {{"type", secret.at("type")}, {"data", secret.at("data")}});
    return uid_in(kube);
  }
  static std::string uid_in(const test::FakeKube& kube) { return kube.find(cred).value().at("metadata").at("uid"); }

  void begin() {
    set_contexts({{"dev", "own"}, {"prod", "own"}});
    log_in("first");
  }
  void declare_and_tell(const Target& target) {
    declare(target);
    briefing_.tell_all();
  }
  static Target named(const std::string& name, Target target) {
    target.name = name;
    return target;
  }
  // As it was when it was reached last.
  void met(const std::string& context, const std::string& uid, const std::string& server = {}) {
    ClusterIdentity identity = identity_of(contexts_.find(context)->context());
    identity.uid = uid;
    identity.server = server.empty() ? identity.server : server;
    book_.meet(context, std::move(identity), false, {});
  }
  bool listed(const std::string& context) {
    return test::run_until(io_, [&] { return contexts_.identified(context); });
  }

  // Why it may not be done through dev; nothing where it may.
  std::optional<Error> refusal(const std::string& uid = "7", Taking taking = Taking::deleted,
                               const std::string& context = "dev") {
    try {
      test::run(io_, shared_.check(context, key, uid, taking));
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }
  static ErrorCode code_of(const std::optional<Error>& error) { return error ? error->code() : ErrorCode::internal; }

  int learnt_ = 0;
  SharedObjects shared_{contexts_, book_, footprints_, briefing_, [this] { ++learnt_; }};
};

TEST_F(SharedObjectsTest, WhatNoOtherContextWantsIsFree) {
  begin();
  declare_and_tell(target({"team"}, {"dev"}));
  EXPECT_EQ(refusal(), std::nullopt);
  declare_and_tell(target({"other"}, {"prod"}));
  EXPECT_EQ(refusal(), std::nullopt) << "another namespace";
}

TEST_F(SharedObjectsTest, WhatIsWantedInAnotherClusterIsFree) {
  serve_dev();
  serve({"prod"});
  begin();
  met("dev", "1");
  met("prod", "2");
  declare_and_tell(target({"team"}, {"prod"}));
  ASSERT_TRUE(listed("dev") && listed("prod"));
  EXPECT_EQ(refusal(), std::nullopt);
}

// Its address may lead to the cluster of the other one since.
TEST_F(SharedObjectsTest, WhatIsKnownOfBothIsNotBelievedBeforeWhoAsksIsIdentified) {
  begin();
  met("dev", "1");
  met("prod", "2");
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_EQ(code_of(refusal()), ErrorCode::unreachable);
}

TEST_F(SharedObjectsTest, WhatIsWantedThroughAnotherContextOfTheClusterStays) {
  begin();
  met("dev", "1");
  met("prod", "1");
  declare_and_tell(target({"team"}, {"prod"}));
  for (const Taking taking : {Taking::deleted, Taking::taken_over}) {
    const auto error = refusal("7", taking);
    ASSERT_EQ(code_of(error), ErrorCode::already_exists);
    EXPECT_THAT(error->message(), AllOf(HasSubstr("team/cred"), HasSubstr("context prod"), HasSubstr("same cluster")));
  }
  EXPECT_EQ(learnt_, 2) << "who asks is to be told of the other";
}

// It may have been retired while it was at work.
TEST_F(SharedObjectsTest, AContextThatDoesNotRunAnyMoreTakesNothingFromOneThatDoes) {
  begin();
  book_.meet("old", {.uid = "1", .server = "https://old", .authorities = {}}, false, {});
  met("prod", "1");
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_EQ(code_of(refusal("7", Taking::deleted, "old")), ErrorCode::already_exists);
}

TEST_F(SharedObjectsTest, OfTwoTargetsTheFirstMayTakeTheSecretOverAndNotDeleteIt) {
  serve({"prod"}).edit(cred, [](json& secret) {
    secret["metadata"]["labels"] = {{managed_by_label, managed_by_value}};
    secret["metadata"]["annotations"] = {
        {target_annotation, "b"}, {owner_annotation, "id jdoe@laptop"}, {place_annotation, "team/cred"}};
  });
  begin();
  met("dev", "1");
  met("prod", "1");
  declare(named("a", target({"team"}, {"dev"})));
  declare_and_tell(named("b", target({"team"}, {"prod"})));
  ASSERT_TRUE(listed("prod"));
  ASSERT_TRUE(contexts_.find("prod")->wants(key)) << "b has it, as prod sees it";
  EXPECT_EQ(refusal("7", Taking::taken_over), std::nullopt) << "dev knows what is wanted in prod, and comes first";
  EXPECT_EQ(code_of(refusal("7", Taking::deleted)), ErrorCode::already_exists);
}

TEST_F(SharedObjectsTest, WhoComesSecondTakesNothingOver) {
  begin();
  met("dev", "1");
  met("prod", "1");
  declare(named("a", target({"team"}, {"dev"})));
  declare_and_tell(named("b", target({"team"}, {"prod"})));
  EXPECT_EQ(code_of(refusal("7", Taking::taken_over, "prod")), ErrorCode::already_exists);
}

TEST_F(SharedObjectsTest, WhoWasNotToldOfTheOtherTakesNothingOver) {
  begin();
  declare(named("a", target({"team"}, {"dev"})));
  declare_and_tell(named("b", target({"team"}, {"prod"})));
  met("dev", "1");
  met("prod", "1");
  EXPECT_EQ(code_of(refusal("7", Taking::taken_over)), ErrorCode::already_exists);
}

// Of two that see one namespace, one sees its new labels first.
TEST_F(SharedObjectsTest, WhatTheOtherStillSeesAsWantedIsNotDeleted) {
  serve({"dev"});
  serve({"prod"}, {{"env", "prod"}});
  begin();
  met("dev", "1");
  met("prod", "1");
  Target selecting = target({}, {"*"});
  selecting.namespace_selector = LabelSelector::parse("env=prod");
  declare_and_tell(selecting);
  EXPECT_EQ(code_of(refusal()), ErrorCode::already_exists) << "dev has not listed its namespaces";
  ASSERT_TRUE(listed("dev") && listed("prod"));
  EXPECT_EQ(code_of(refusal()), ErrorCode::already_exists);
  kubes_.at("prod")->edit({"namespaces", "", "team"}, [](json& object) { object["metadata"]["labels"].erase("env"); });
  EXPECT_TRUE(test::run_until(io_, [&] { return !contexts_.find("prod")->may_want(key); }));
  EXPECT_EQ(refusal(), std::nullopt);
}

TEST_F(SharedObjectsTest, WhereItIsNotKnownWhetherTheTwoAreOneTheSecretTells) {
  const test::FakeKube& kube = serve({"prod"});
  begin();
  declare_and_tell(target({"team"}, {"prod"}));
  ASSERT_EQ(book_.same("dev", "prod"), Same::unknown);
  EXPECT_EQ(code_of(refusal(uid_in(kube))), ErrorCode::already_exists);
  EXPECT_EQ(book_.same("dev", "prod"), Same::yes);
  EXPECT_EQ(learnt_, 1);
}

TEST_F(SharedObjectsTest, AnotherSecretOfThatNameIsInAnotherCluster) {
  const auto uid = serve_dev();
  test::FakeKube& kube = serve({"prod"});
  begin();
  declare_and_tell(target({"team"}, {"prod"}));
  ASSERT_TRUE(listed("dev"));
  EXPECT_EQ(refusal(uid), std::nullopt);
  EXPECT_EQ(book_.same("dev", "prod"), Same::no);
  EXPECT_EQ(learnt_, 0);
  kube.forbids = [](const test::ApiRequest&) { return true; };
  EXPECT_EQ(refusal(uid), std::nullopt) << "it is known by now";
}

TEST_F(SharedObjectsTest, ASecretThatWasMadeAnewMeanwhileProvesNothing) {
  serve({"dev", "prod"});
  begin();
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_EQ(code_of(refusal("of the one before")), ErrorCode::stale);
  EXPECT_EQ(book_.same("dev", "prod"), Same::unknown);
}

TEST_F(SharedObjectsTest, NoSecretThereIsNoneOfThisCluster) {
  const auto uid = serve_dev();
  serve({"prod"}).erase({"namespaces", "", "team"});
  begin();
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_EQ(refusal(uid), std::nullopt);
  EXPECT_EQ(book_.same("dev", "prod"), Same::no);
}

TEST_F(SharedObjectsTest, NothingIsDoneWhileTheOtherCannotBeAsked) {
  begin();
  declare_and_tell(target({"team"}, {"prod"}));
  for (const Taking taking : {Taking::deleted, Taking::taken_over}) {
    const auto error = refusal("7", taking);
    ASSERT_EQ(code_of(error), ErrorCode::unreachable);
    EXPECT_THAT(error->message(), HasSubstr("context prod may lead to the same cluster, and cannot be asked"));
  }
  EXPECT_EQ(book_.same("dev", "prod"), Same::unknown) << "nothing was learnt";
}

class UnusableContext : public SharedObjectsTest {
 protected:
  // The entry of the user of `prod` is missing.
  void begin_without_user() {
    auto text = kubeconfig_text({{"dev", "own"}, {"prod", "own"}});
    text.replace(text.find("cluster: prod, user: u"), 22, "cluster: prod, user: v");
    contexts_.set_kubeconfig(kube::Kubeconfig::parse(text, "a file"));
    update();
    log_in("first");
  }
};

TEST_F(UnusableContext, WhatItMayWantIsNotTaken) {
  begin_without_user();
  declare_and_tell(target({"team"}, {"prod"}));
  ASSERT_FALSE(contexts_.find("prod"));
  for (const Taking taking : {Taking::deleted, Taking::taken_over}) {
    const auto error = refusal("7", taking);
    ASSERT_EQ(code_of(error), ErrorCode::kubeconfig);
    EXPECT_THAT(error->message(), HasSubstr("context prod may lead to the same cluster, and cannot be asked"));
  }
  declare_and_tell(target({}, {"prod"}));
  EXPECT_EQ(code_of(refusal()), ErrorCode::kubeconfig) << "its own namespace may be this one";
}

TEST_F(UnusableContext, WhatItDoesNotWantIsFree) {
  begin_without_user();
  declare_and_tell(target({"other"}, {"prod"}));
  EXPECT_EQ(refusal(), std::nullopt);
}

TEST_F(UnusableContext, WhereItWasMetAndLedElsewhereItIsFree) {
  serve_dev();
  begin_without_user();
  declare_and_tell(target({"team"}, {"dev", "prod"}));
  met("dev", "1");
  book_.meet("prod", {.uid = "2", .server = "https://127.0.0.1:1/prod", .authorities = {}}, false, {});
  ASSERT_TRUE(listed("dev"));
  EXPECT_EQ(refusal(), std::nullopt);
  book_.meet("prod", {.uid = "2", .server = "https://before", .authorities = {}}, false, {});
  EXPECT_EQ(code_of(refusal()), ErrorCode::kubeconfig) << "it has another address by now";
}

TEST_F(UnusableContext, WhatIsKnownOfBothIsNotBelievedBeforeWhoAsksIsIdentified) {
  begin_without_user();
  declare_and_tell(target({"team"}, {"dev", "prod"}));
  met("dev", "1");
  book_.meet("prod", {.uid = "2", .server = "https://127.0.0.1:1/prod", .authorities = {}}, false, {});
  EXPECT_EQ(code_of(refusal()), ErrorCode::kubeconfig);
}

// Whoever may write a Secret of the hub makes such a context.
class UnfitClusterOfAHub : public SharedObjectsTest {
 protected:
  UnfitClusterOfAHub() {
    auto dev = std::make_shared<kube::KnownCluster>();
    dev->context.emplace().name = "dev";
    dev->context->server = "https://127.0.0.1:1/dev";
    auto tenant = std::make_shared<kube::KnownCluster>();
    tenant->problem = Error(ErrorCode::kubeconfig, "it holds no cluster");
    set_fleet({{"dev", std::move(dev)}, {"tenant", std::move(tenant)}});
    log_in("first");
    declare_and_tell(target({"team"}, {"*"}));
  }
};

TEST_F(UnfitClusterOfAHub, HoldsUpNothingWhereNothingWasEverMadeThroughIt) {
  ASSERT_TRUE(contexts_.problems().contains("tenant"));
  EXPECT_EQ(refusal(), std::nullopt);
}

TEST_F(UnfitClusterOfAHub, HoldsUpWhatItMayWantWhereAFootprintNamesIt) {
  remember("tenant", {"other"});
  EXPECT_EQ(code_of(refusal()), ErrorCode::kubeconfig);
}

TEST_F(UnfitClusterOfAHub, HoldsUpWhatItMayWantWhereAFootprintCannotBeRead) {
  const test::TempDir damaged;
  damaged.write("other.json", "{");
  FootprintStore store(damaged.path());
  const FootprintKeeper footprints(store);
  SharedObjects shared(contexts_, book_, footprints, briefing_, [] {});
  EXPECT_EQ(test::error_of(io_, shared.check("dev", key, "7", Taking::deleted)).code(), ErrorCode::kubeconfig);
}

TEST_F(UnfitClusterOfAHub, HoldsUpWhatItMayWantWhereItWasMet) {
  book_.meet("tenant", {.uid = "2", .server = "https://before", .authorities = {}}, false, {});
  EXPECT_EQ(code_of(refusal()), ErrorCode::kubeconfig);
}

TEST_F(SharedObjectsTest, NothingIsDoneWhereTheOtherMayNotBeAsked) {
  test::FakeKube& kube = serve({"prod"});
  kube.forbids = [](const test::ApiRequest& request) { return request.verb == "get"; };
  begin();
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_EQ(code_of(refusal(uid_in(kube))), ErrorCode::forbidden);
}

// The book knows of the cluster that it led to before.
TEST_F(SharedObjectsTest, AContextThatGotAnotherAddressMayLeadHereNow) {
  test::FakeKube& kube = serve({"prod"});
  kube.transport.answer("GET", "/api/v1/namespaces/kube-system", 500,
                        test::FakeTransport::status_body(500, "InternalError", "it is starting"));
  begin();
  met("dev", "1");
  met("prod", "2", "https://before");
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_EQ(code_of(refusal(uid_in(kube))), ErrorCode::already_exists);
  EXPECT_FALSE(contexts_.identified("prod")) << "it cannot say yet who it is";
}

TEST_F(SharedObjectsTest, SoMayTheOneThatAsks) {
  const test::FakeKube& kube = serve({"prod"});
  begin();
  met("dev", "1", "https://before");
  met("prod", "2");
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_EQ(code_of(refusal(uid_in(kube))), ErrorCode::already_exists);
}

TEST_F(SharedObjectsTest, OneThatWasIdentifiedSinceIsInNoDoubt) {
  const test::FakeKube& kube = serve({"prod"});
  serve_dev();
  begin();
  met("dev", "1");
  met("prod", "2", "https://before");
  declare_and_tell(target({"team"}, {"prod"}));
  ASSERT_TRUE(listed("dev") && listed("prod"));
  EXPECT_EQ(refusal(uid_in(kube)), std::nullopt) << "what the book says now is of where it leads";
}

}  // namespace
}  // namespace regsync
