// What one cluster may do to regsync: objects of any shape, lists that are not whole, copies of our objects, policies
// that change or deny what is written, people and controllers that set it back. The engine against API servers in
// memory; what a healthy context has stays as it should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/model/change.hpp"
#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class Trouble : public testing::Test {
 protected:
  explicit Trouble(const std::vector<std::string>& contexts = {"a"}) : world_(contexts) {
    world_.login("ghcr.io", "first");
    for (const auto& [context, server] : world_.servers()) {
      server->make_namespace("team", {{"env", "prod"}});
      server->put({"serviceaccounts", "team", "default"}, {{"imagePullSecrets", {{{"name", "theirs"}}}}});
    }
  }

  void begin(const Target& target) {
    world_.put_target(target);
    world_.start();
    world_.sync();
  }

  bool has(const std::string& password, const std::string& context = "a", const std::string& name_space = "team") {
    const auto secret = world_.secret(name_space, "cred", context);
    return secret && entries_of(*secret) == std::map<std::string, std::string>{{"ghcr.io", "jdoe:" + password}};
  }

  FakeApiServer& server() { return world_.server(); }
  static Target attaching(std::vector<std::string> accounts = {"default"}) {
    auto target = make_target();
    target.service_accounts = std::move(accounts);
    return target;
  }
  std::vector<std::string> attached(const std::string& name_space = "team") {
    return pull_secrets_of(server().find({"serviceaccounts", name_space, "default"}).value());
  }
  // Becomes the Secret or ServiceAccount as somebody changes it.
  void change(const FakeCluster::Key& key, const std::function<void(json&)>& edit) {
    auto object = server().find(key).value();
    edit(object);
    object["metadata"].erase("resourceVersion");
    server().put(key, object);
  }
  std::string message_of(const std::string& name_space = "team") {
    const auto row = world_.row(name_space);
    return row && row->cause ? row->cause->message() : "";
  }

  EngineWorld world_;
};

// --- what lets some requests pass

// A proxy that ends every long answer: kubectl works through it, but for --watch.
TEST_F(Trouble, WhereNoWatchWorksWritesGoOnAndChangesAreSeenByLists) {
  server().inject({.kind = Fault::Kind::close, .verb = "watch", .times = -1});
  begin(make_target());
  EXPECT_TRUE(world_.until([&] { return has("first"); }));
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return has("second"); }, 10s));
  EXPECT_TRUE(world_.until(
      [&] {
        const auto problem = world_.engine().status().contexts.front().problem;
        return problem && problem->code() == ErrorCode::server_error;
      },
      10s));
  world_.login("ghcr.io", "third");
  EXPECT_TRUE(world_.until([&] { return has("third"); }, 10s));
  server().erase({"secrets", "team", "cred"});
  EXPECT_TRUE(world_.until([&] { return has("third"); }, 35s));
}

TEST_F(Trouble, AWatchThatIsForbiddenWhereTheListIsNotIsAskedForLessAndLess) {
  server().deny("watch", "secrets");
  begin(make_target());
  server().forget_requests();
  world_.run_for(6s);
  EXPECT_LE(server().count("list", "secrets"), 3U) << "after one second, after two more, after four more";
  EXPECT_TRUE(has("first"));
}

// As for minutes after the start of an API server, or before the Role of a new cluster is there.
TEST_F(Trouble, ARightThatIsMissingForAMomentIsAskedForSoonAgain) {
  begin(make_target());
  ASSERT_TRUE(has("first"));
  server().deny("", "", "");
  server().cut_watches();
  world_.login("ghcr.io", "second");
  world_.run_for(1s);
  server().allow_all();
  EXPECT_TRUE(world_.until([&] { return has("second"); }, 8s)) << message_of();
  server().erase({"secrets", "team", "cred"});
  EXPECT_TRUE(world_.until([&] { return has("second"); }, 8s)) << message_of();
}

// --- the status of what is under way

TEST_F(Trouble, WhatIsNotStuckAnyMoreIsPendingUntilItIsWritten) {
  auto target = make_target();
  target.registries = {"ghcr.io", "quay.io"};
  begin(target);
  ASSERT_EQ(world_.state("team"), SyncState::stuck) << "no login for quay.io";
  server().inject({.kind = Fault::Kind::held, .verb = "apply", .resource = "secrets"});
  world_.login("quay.io", "second");
  EXPECT_TRUE(world_.until([&] { return world_.state("team") == SyncState::pending; })) << message_of();
  server().release_held();
  EXPECT_TRUE(world_.until([&] { return world_.state("team") == SyncState::in_sync; }));
}

// Two questions who it is, of which the first is answered last.
TEST_F(Trouble, AContextThatComesAndGoesWhileItIsAskedWhoItIsEndsWell) {
  server().inject({.kind = Fault::Kind::held, .verb = "get", .resource = "namespaces"});
  begin(make_target());
  server().inject({.verb = "watch", .times = 4});
  server().cut_watches();
  ASSERT_TRUE(world_.until([&] { return !world_.engine().status().contexts.front().connected; }));
  ASSERT_TRUE(world_.until([&] { return server().count("get", "namespaces") == 2; }));
  world_.run_for(50ms);
  server().release_held();
  world_.run_for(50ms);
  world_.stop();
}

// --- objects of any shape

struct OddObject {
  std::string resource;
  json object;
};

void PrintTo(const OddObject& odd, std::ostream* out) {
  *out << odd.resource << " " << odd.object.dump().substr(0, 100);
}

// NOLINTNEXTLINE(misc-multiple-inheritance): GoogleTest's way to a fixture with parameters
class OddObjects : public Trouble, public testing::WithParamInterface<OddObject> {
 protected:
  OddObjects() : Trouble({"a", "b"}) {}

  static Target everything() {
    auto target = make_target({}, {"a", "b"});
    target.namespace_selector = LabelSelector::parse("env=prod");
    target.service_accounts = {"default"};
    return target;
  }
};

TEST_P(OddObjects, InAListAreAtWorstTheirOwnProblem) {
  const json list{{"metadata", {{"resourceVersion", "1000"}}}, {"items", json::array({GetParam().object})}};
  server().inject({.verb = "list", .resource = GetParam().resource, .times = -1, .status = 200, .body = list.dump()});
  world_.put_target(everything());
  world_.start();
  EXPECT_TRUE(world_.until([&] { return has("first", "b"); }));
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return has("second", "b"); }));
  server().clear_faults();
  world_.sync();
  EXPECT_TRUE(world_.until([&] { return has("second", "a"); }));
}

TEST_P(OddObjects, InAWatchAreAtWorstTheirOwnProblem) {
  begin(everything());
  const json event{{"type", "MODIFIED"}, {"object", GetParam().object}};
  server().inject(
      {.verb = "watch", .resource = GetParam().resource, .times = 2, .status = 200, .body = event.dump() + "\n"});
  server().forget_requests();
  server().cut_watches();
  ASSERT_TRUE(world_.until([&] { return server().count("watch", GetParam().resource) > 0; }));
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return has("second", "b"); }));
  EXPECT_TRUE(world_.until([&] { return has("second", "a"); })) << "the odd object is not what is written here";
  EXPECT_EQ(server().count("delete"), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    OfAnyShape, OddObjects,
    testing::Values(
        OddObject{"secrets", nullptr}, OddObject{"secrets", "text"}, OddObject{"secrets", json::object()},
        OddObject{"secrets", {{"metadata", nullptr}}}, OddObject{"secrets", {{"metadata", json::array({1})}}},
        OddObject{"secrets", {{"metadata", {{"name", 5}, {"namespace", "team"}, {"resourceVersion", "2000"}}}}},
        OddObject{"secrets", {{"metadata", {{"name", "../x"}, {"namespace", "team"}, {"resourceVersion", "2000"}}}}},
        OddObject{"secrets", {{"metadata", {{"name", "cred"}, {"namespace", "a/../b"}, {"resourceVersion", "2000"}}}}},
        OddObject{"secrets",
                  {{"metadata", {{"name", "cred"}, {"namespace", "other"}, {"annotations", 5}, {"labels", {1}}}}}},
        OddObject{"secrets",
                  {{"metadata", {{"name", "cred"}, {"namespace", "other"}, {"resourceVersion", 7}}}, {"data", 5}}},
        OddObject{"namespaces", nullptr}, OddObject{"namespaces", {{"metadata", nullptr}}},
        OddObject{"namespaces", {{"metadata", {{"name", 5}, {"resourceVersion", "2000"}}}}},
        OddObject{"namespaces", {{"metadata", {{"name", "team\n"}, {"resourceVersion", "2000"}}}}},
        OddObject{"namespaces", {{"metadata", {{"name", "other"}, {"labels", {"env"}}, {"resourceVersion", "2000"}}}}},
        OddObject{"namespaces",
                  {{"metadata", {{"name", "other"}, {"labels", {{"env", 5}}}, {"resourceVersion", "2000"}}}}},
        OddObject{"serviceaccounts", nullptr}, OddObject{"serviceaccounts", {{"metadata", json::array()}}},
        OddObject{"serviceaccounts",
                  {{"metadata", {{"name", "default"}, {"namespace", "other"}, {"resourceVersion", "2000"}}},
                   {"imagePullSecrets", {nullptr}}}},
        OddObject{"serviceaccounts",
                  {{"metadata",
                    {{"name", "default"},
                     {"namespace", "other"},
                     {"resourceVersion", "2000"},
                     {"annotations", {{"regsync.dev/image-pull-secrets", json::array({1})}}}}},
                   {"imagePullSecrets", 5}}}));

// --- lists that are not whole

class PartialLists : public Trouble {
 protected:
  static Target selecting() {
    auto target = make_target({});
    target.namespace_selector = LabelSelector::parse("env=prod");
    return target;
  }
};

TEST_F(PartialLists, AnEmptyListOfNamespacesDeletesNothing) {
  begin(selecting());
  ASSERT_TRUE(has("first"));
  const auto uid = world_.secret("team", "cred")->at("metadata").at("uid");
  const json empty{{"metadata", {{"resourceVersion", "1000"}}}, {"items", json::array()}};
  server().inject({.verb = "list", .resource = "namespaces", .times = 1, .status = 200, .body = empty.dump()});
  server().forget_requests();
  world_.sync();
  world_.run_for(200ms);
  EXPECT_EQ(server().count("delete"), 0U);
  ASSERT_TRUE(has("first"));
  world_.sync();
  EXPECT_EQ(world_.state("team"), SyncState::in_sync);
  EXPECT_EQ(world_.secret("team", "cred")->at("metadata").at("uid"), uid);
}

TEST_F(PartialLists, ANamespaceWhoseLabelsCannotBeReadIsUnknownAndLosesNothing) {
  begin(selecting());
  for (const auto& labels : {json::array({"env"}), json{{"env", 5}}, json("prod")}) {
    const json odd{{"metadata", {{"name", "team"}, {"labels", labels}, {"resourceVersion", "1000"}}}};
    const json list{{"metadata", {{"resourceVersion", "1000"}}}, {"items", json::array({odd})}};
    server().inject({.verb = "list", .resource = "namespaces", .times = 1, .status = 200, .body = list.dump()});
    server().forget_requests();
    world_.sync();
    world_.run_for(100ms);
    EXPECT_EQ(server().count("delete"), 0U);
    EXPECT_TRUE(has("first"));
  }
  world_.sync();
  EXPECT_EQ(world_.state("team"), SyncState::in_sync);
}

TEST_F(PartialLists, TheNamespacesOwnLabelsDoDelete) {
  begin(selecting());
  server().make_namespace("team", {{"env", "dev"}});
  EXPECT_TRUE(world_.until([&] { return !world_.secret("team", "cred"); }));
}

TEST_F(PartialLists, ASyncWaitsUntilTheLabelsOfANamespaceCount) {
  begin(selecting());
  world_.engine().confirm_target("t");
  server().make_namespace("team", {{"env", "dev"}});
  world_.sync();
  EXPECT_FALSE(world_.secret("team", "cred"));
}

// --- copies, and Secrets of before regsync.dev/place

class Copies : public Trouble {
 protected:
  Copies() {
    server().make_namespace("elsewhere");
    server().put({"serviceaccounts", "elsewhere", "default"}, json::object());
  }
  static Target wide() {
    auto target = attaching();
    target.namespaces = {"team", "x*"};  // watches all namespaces
    return target;
  }
  json copy_to_elsewhere(const std::string& resource, const std::string& name) {
    auto copy = server().find({resource, "team", name}).value();
    for (const auto* field : {"resourceVersion", "uid", "namespace", "managedFields", "creationTimestamp"}) {
      copy["metadata"].erase(field);
    }
    server().put({resource, "elsewhere", name}, copy, "kubectl-client-side-apply");
    return server().find({resource, "elsewhere", name}).value();
  }
};

TEST_F(Copies, AreNeitherDeletedNorTouched) {
  begin(wide());
  const auto copy = copy_to_elsewhere("secrets", "cred");
  world_.run_for(200ms);
  world_.login("ghcr.io", "second");
  ASSERT_TRUE(world_.until([&] { return has("second"); }));
  world_.restart();
  world_.sync();
  EXPECT_EQ(world_.secret("elsewhere", "cred"), copy);
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
  EXPECT_FALSE(world_.secret("team", "cred"));
  EXPECT_EQ(world_.secret("elsewhere", "cred"), copy);
}

TEST_F(Copies, InThePlaceOfOursAreNamedAndLeftAloneUntilTheyAreAdopted) {
  begin(wide());
  const auto copy = copy_to_elsewhere("secrets", "cred");
  auto target = wide();
  target.namespaces.emplace_back("elsewhere");
  world_.put_target(target);
  ASSERT_TRUE(world_.until([&] { return world_.cause("elsewhere") == ErrorCode::not_owned; }));
  EXPECT_THAT(message_of("elsewhere"), HasSubstr("copy of team/cred"));
  EXPECT_EQ(world_.secret("elsewhere", "cred"), copy);
  world_.sync("t", /*adopt=*/true);
  EXPECT_TRUE(is_ours(world_.secret("elsewhere", "cred").value()));
}

TEST_F(Copies, OfAServiceAccountKeepTheirEntries) {
  begin(wide());
  ASSERT_THAT(attached(), ElementsAre("theirs", "cred"));
  const auto copy = copy_to_elsewhere("serviceaccounts", "default");
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
  EXPECT_THAT(attached(), ElementsAre("theirs"));
  EXPECT_EQ(server().find({"serviceaccounts", "elsewhere", "default"}), copy);
}

TEST_F(Copies, ASecretOfBeforeThePlaceIsUpgradedByOneWrite) {
  begin(make_target());
  const auto uid = world_.secret("team", "cred")->at("metadata").at("uid");
  world_.stop();
  change({"secrets", "team", "cred"},
         [](json& secret) { secret["metadata"]["annotations"].erase("regsync.dev/place"); });
  world_.forget_requests();
  world_.start();
  world_.sync();
  world_.run_for(100ms);
  EXPECT_EQ(world_.writes(), 1U);
  const auto secret = world_.secret("team", "cred").value();
  EXPECT_TRUE(is_ours(secret));
  EXPECT_EQ(secret.at("metadata").at("uid"), uid);
}

TEST_F(Copies, ASecretOfBeforeThePlaceIsRemovedWithItsTargetAndACopyOfItIsNot) {
  begin(wide());
  world_.stop();
  change({"secrets", "team", "cred"},
         [](json& secret) { secret["metadata"]["annotations"].erase("regsync.dev/place"); });
  const auto copy = copy_to_elsewhere("secrets", "cred");
  world_.start();
  world_.forget_target("t");
  EXPECT_TRUE(world_.until([&] { return !world_.secret("team", "cred"); }));
  world_.run_for(100ms);
  EXPECT_EQ(world_.secret("elsewhere", "cred"), copy);
}

// --- status is true

TEST_F(Trouble, AWriteThatIsUnderWayIsPending) {
  begin(make_target());
  ASSERT_EQ(world_.state("team"), SyncState::in_sync);
  server().inject({.kind = Fault::Kind::held, .verb = "apply", .times = -1});
  world_.login("ghcr.io", "second");
  for (int i = 0; i < 20; ++i) {
    world_.run_for(5ms);
    EXPECT_EQ(world_.state("team"), SyncState::pending);
  }
  server().clear_faults();
  server().release_held();
  EXPECT_TRUE(world_.until([&] { return has("second") && world_.state("team") == SyncState::in_sync; }));
}

TEST_F(Trouble, WhileTheServerIsDownANewLoginIsNotInSync) {
  begin(make_target());
  server().inject({.kind = Fault::Kind::close, .times = -1});
  server().cut_watches();
  world_.login("ghcr.io", "second");
  for (int i = 0; i < 40; ++i) {
    EXPECT_NE(world_.state("team"), SyncState::in_sync);
    world_.run_for(5ms);
  }
  server().clear_faults();
  world_.sync();
  EXPECT_TRUE(world_.until([&] { return has("second"); }));
}

TEST_F(Trouble, WhileTheServerIsDownNothingIsInSync) {
  begin(make_target());
  ASSERT_EQ(world_.state("team"), SyncState::in_sync);
  server().inject({.kind = Fault::Kind::close, .times = -1});
  server().cut_watches();
  EXPECT_TRUE(world_.until([&] { return world_.state("team") == SyncState::retrying; }))
      << "nobody knows what happens there meanwhile";
  server().clear_faults();
  EXPECT_TRUE(world_.until([&] { return world_.state("team") == SyncState::in_sync; }));
}

TEST_F(Trouble, SyncSeesWhatNoWatchTold) {
  server().inject({.kind = Fault::Kind::half_open, .verb = "watch", .resource = "secrets", .times = -1});
  begin(make_target());
  ASSERT_TRUE(has("first"));
  server().erase({"secrets", "team", "cred"});
  world_.run_for(100ms);
  ASSERT_FALSE(world_.secret("team", "cred")) << "no event tells of it";
  world_.sync();
  EXPECT_TRUE(has("first"));
}

TEST_F(Trouble, EveryChangeIsToldWithItsReason) {
  begin(attaching());
  world_.login("ghcr.io", "second");
  ASSERT_TRUE(world_.until([&] { return has("second"); }));
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
  std::vector<std::string> told;
  for (const auto& change : world_.changes()) {
    EXPECT_EQ(change.context + "/" + change.name_space + " " + change.target, "a/team t");
    told.push_back(describe(change));
  }
  EXPECT_THAT(told, ElementsAre("Secret cred created: it was missing",
                                "Secret cred attached to ServiceAccount default: the target names the ServiceAccount",
                                "Secret cred updated: its logins or its target changed",
                                "Secret cred detached from ServiceAccount default: the target was removed",
                                "Secret cred deleted: the target was removed"));
}

// --- policies and fighters

TEST_F(Trouble, APolicyThatChangesTheDataIsSeenAndNamed) {
  server().set_policy([](const FakeCluster::Key& key, json& object) {
    if (key.resource == "secrets") {
      object["data"][".dockerconfigjson"] = foreign_secret()["data"].at(".dockerconfigjson");
    }
  });
  begin(make_target());
  EXPECT_EQ(world_.state("team"), SyncState::stuck);
  EXPECT_THAT(message_of(), HasSubstr("mutating admission policy"));
  world_.run_for(500ms);
  EXPECT_LE(world_.writes(), 5U) << "one, and the repairs that are free";
}

TEST_F(Trouble, APolicyThatForcesALabelIsSeenAndNamed) {
  server().set_policy([](const FakeCluster::Key& key, json& object) {
    if (key.resource == "secrets") {
      object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm";
    }
  });
  begin(make_target());
  EXPECT_EQ(world_.state("team"), SyncState::stuck);
  EXPECT_THAT(message_of(), HasSubstr("Helm"));
}

TEST_F(Trouble, WhatARemovalLeftAloneIsNoNoteOfATargetThatIsDeclaredAgain) {
  const auto notes = [this] { return world_.engine().status("t").notes; };
  server().set_policy([](const FakeCluster::Key& key, json& object) {
    if (key.resource == "secrets") {
      object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm";
    }
  });
  begin(make_target());
  world_.forget_target("t");
  world_.sync();
  EXPECT_EQ(notes().size(), 1U);
  server().set_policy({});
  server().erase({"secrets", "team", "cred"});
  world_.put_target(make_target());
  world_.sync();
  EXPECT_EQ(world_.state("team"), SyncState::in_sync);
  EXPECT_TRUE(notes().empty());
}

TEST_F(Trouble, APolicyThatTakesTheSecretFromTheServiceAccountIsSeenAndNamed) {
  server().set_policy([](const FakeCluster::Key& key, json& object) {
    if (key.resource == "serviceaccounts") {
      object["imagePullSecrets"] = json::array({{{"name", "theirs"}}});
    }
  });
  begin(attaching());
  EXPECT_EQ(world_.state("team"), SyncState::stuck);
  EXPECT_THAT(message_of(), AllOf(HasSubstr("ServiceAccount team/default"), HasSubstr("mutating admission policy")));
  EXPECT_TRUE(has("first"));
}

TEST_F(Trouble, APolicyThatDeniesKeepsItsWords) {
  for (const int status : {403, 400, 422}) {
    server().clear_faults();
    const json denial{{"kind", "Status"},
                      {"apiVersion", "v1"},
                      {"status", "Failure"},
                      {"code", status},
                      {"message", "admission webhook \"policy.example\" denied the request: no pull secrets here"}};
    server().inject(
        {.verb = "patch", .resource = "serviceaccounts", .times = -1, .status = status, .body = denial.dump()});
    begin(attaching());
    EXPECT_EQ(world_.state("team"), SyncState::stuck) << status;
    EXPECT_THAT(message_of(), HasSubstr("no pull secrets here")) << status;
    world_.stop();
  }
  world_.start();
}

TEST_F(Trouble, EveryServiceAccountThatIsMissingIsNamed) {
  begin(attaching({"builder", "default", "deployer"}));
  EXPECT_EQ(world_.state("team"), SyncState::stuck);
  EXPECT_THAT(message_of(), HasSubstr("builder, deployer"));
  EXPECT_THAT(world_.row("team")->cause->remedy(), HasSubstr("create serviceaccount"));
  EXPECT_THAT(attached(), ElementsAre("theirs", "cred")) << "the one that is there";
  server().put({"serviceaccounts", "team", "builder"}, json::object());
  server().put({"serviceaccounts", "team", "deployer"}, json::object());
  EXPECT_TRUE(world_.until([&] { return world_.state("team") == SyncState::in_sync; }));
}

TEST_F(Trouble, WhoSetsAServiceAccountBackIsMetAtABoundedRateAndNamed) {
  begin(attaching());
  world_.forget_requests();
  const auto until = std::chrono::steady_clock::now() + 2s;
  while (std::chrono::steady_clock::now() < until) {
    if (attached().size() == 2) {
      change({"serviceaccounts", "team", "default"},
             [](json& account) { account["imagePullSecrets"] = {{{"name", "theirs"}}}; });
    }
    world_.run_for(10ms);
  }
  EXPECT_GE(world_.writes(), 4U) << "the first repairs come at once";
  EXPECT_LE(world_.writes(), 10U);
  EXPECT_EQ(world_.cause("team"), ErrorCode::field_conflict);
  EXPECT_THAT(message_of(), HasSubstr("ServiceAccount team/default is changed again and again"));
  EXPECT_TRUE(world_.until([&] { return attached().size() == 2; })) << "and it is not given up";
}

// --- many plain names

TEST_F(Trouble, ManyPlainNamesNeedNoRightInTheWholeCluster) {
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) {
    names.push_back("n" + std::to_string(i));
    server().make_namespace(names.back());
  }
  for (const auto* verb : {"list", "watch"}) {
    server().deny_cluster_wide(verb, "secrets");
    server().deny_cluster_wide(verb, "namespaces");
  }
  begin(make_target(names));
  for (const auto& name : names) {
    EXPECT_TRUE(has("first", "a", name)) << name;
  }
  const auto report = world_.engine().status();
  EXPECT_EQ(report.rows.size(), 40U);
  EXPECT_TRUE(report.all_in_sync());
  world_.forget_target("t");
  EXPECT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
  EXPECT_FALSE(world_.secret("n39", "cred"));
}

// Nothing tells the engine that it is gone, until it reads the Secret to see whether it may be taken over.
TEST_F(Trouble, ASecretThatIsGoneWhenAnotherTargetTakesItOverIsMadeAnew) {
  auto first = make_target({"team"});
  first.name = "z";
  world_.put_target(first);
  world_.start();
  world_.sync();
  ASSERT_TRUE(world_.secret("team", "cred"));
  for (const auto* verb : {"watch", "list"}) {
    world_.server().inject({.verb = verb, .resource = "secrets", .times = -1});
  }
  world_.server().cut_watches();
  world_.run_for(20ms);
  world_.server().erase({"secrets", "team", "cred"});
  world_.put_target(make_target({"team"}));
  world_.forget_target("z");
  EXPECT_TRUE(world_.until([&] {
    const auto made = world_.secret("team", "cred");
    return made && made->at("metadata").at("annotations").value("regsync.dev/target", "") == "t";
  }));
}

}  // namespace
}  // namespace regsync::test
