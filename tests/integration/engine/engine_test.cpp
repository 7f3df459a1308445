// The engine against API servers in memory, one promise at a time: where Secrets go, whose they are, what happens when
// they drift, when logins, contexts and targets go, and what a restart costs.
#include "sync/engine/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

class EngineTest : public testing::Test {
 protected:
  explicit EngineTest(const std::vector<std::string>& contexts = {"a"}) : world_(contexts) {
    world_.login("ghcr.io", "first");
    for (const auto& [context, server] : world_.servers()) {
      server->make_namespace("team");
    }
  }

  void begin(const Target& target) {
    world_.put_target(target);
    world_.start();
    world_.sync();
  }

  bool has(const std::string& name_space, const std::string& password = "first", const std::string& context = "a") {
    const auto secret = world_.secret(name_space, "cred", context);
    return secret && entries_of(*secret) == std::map<std::string, std::string>{{"ghcr.io", "jdoe:" + password}};
  }
  bool becomes(const std::string& name_space, const std::string& password = "first", const std::string& context = "a") {
    return world_.until([&] { return has(name_space, password, context); });
  }
  bool is_gone(const std::string& name_space, const std::string& context = "a") {
    return world_.until([&] { return !world_.secret(name_space, "cred", context); });
  }

  FakeApiServer& server() { return world_.server(); }
  void edit(const std::string& name_space, const std::string& password = "theirs") {
    auto secret = world_.secret(name_space, "cred").value();
    secret["data"] = foreign_secret(password)["data"];
    secret["metadata"].erase("resourceVersion");
    server().put({"secrets", name_space, "cred"}, secret);
  }

  EngineWorld world_;
};

class TwoClusters : public EngineTest {
 protected:
  TwoClusters() : EngineTest({"a", "b"}) {}
};

// --- the keyring

TEST_F(EngineTest, ASyncSaysThatTheStoreDidNotAnswer) {
  begin(make_target());
  EXPECT_TRUE(world_.engine().status().all_in_sync());
  world_.freeze();
  world_.engine().expect_reading();
  world_.sync();
  EXPECT_FALSE(world_.engine().status().all_in_sync());
  EXPECT_EQ(world_.engine().status().store.value().code(), ErrorCode::timeout);
  EXPECT_TRUE(has("team"));
  world_.freeze(false);
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(becomes("team", "second"));
  world_.sync();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

TEST_F(EngineTest, AStoreThatNoTargetNeedsIsNoProblem) {
  world_.start();
  world_.lock();
  world_.sync();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

// --- namespaces

TEST_F(EngineTest, AGlobAndASelectorAreFollowedByEvents) {
  auto target = make_target({"team*"});
  target.namespace_selector = LabelSelector::parse("env in (prod)");
  target.exclude_namespaces = {"team-x"};
  begin(target);
  EXPECT_TRUE(has("team"));
  server().make_namespace("team-new");
  server().make_namespace("team-x");
  server().make_namespace("shop", {{"env", "prod"}});
  server().make_namespace("lab", {{"env", "dev"}});
  EXPECT_TRUE(becomes("team-new"));
  EXPECT_TRUE(becomes("shop"));
  server().make_namespace("lab", {{"env", "prod"}});
  server().make_namespace("shop", {{"env", "dev"}});
  EXPECT_TRUE(becomes("lab"));
  EXPECT_TRUE(is_gone("shop")) << "relabelled, so not selected any more";
  EXPECT_FALSE(world_.secret("team-x", "cred"));
}

TEST_F(EngineTest, AMissingNamespaceIsParkedUntilItIsMade) {
  begin(make_target({"later"}));
  EXPECT_EQ(world_.cause("later"), ErrorCode::namespace_missing);
  world_.forget_requests();
  world_.run_for(300ms);
  EXPECT_EQ(world_.writes(), 0U);
  server().make_namespace("later");
  EXPECT_TRUE(becomes("later"));
}

TEST_F(EngineTest, ATerminatingNamespaceIsLeftAlone) {
  begin(make_target({"team", "default"}));
  server().terminate_namespace("team");
  ASSERT_TRUE(world_.until([&] { return world_.state("team") == SyncState::terminating; }));
  EXPECT_TRUE(world_.engine().status().all_in_sync()) << "nothing is to be done";
  world_.forget_requests();
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(becomes("default", "second"));
  EXPECT_EQ(world_.writes(), 1U);
  server().erase({"namespaces", "", "team"});
  server().make_namespace("team");
  EXPECT_TRUE(becomes("team", "second"));
}

// --- contexts

TEST_F(TwoClusters, AContextThatAppearsJoinsAndOneThatVanishesLosesNothing) {
  world_.set_contexts({"a"});
  begin(make_target({"team"}, {"*"}));
  EXPECT_TRUE(has("team"));
  world_.set_contexts({"a", "b"});
  EXPECT_TRUE(becomes("team", "first", "b"));
  world_.set_contexts({"a"});
  world_.forget_requests();
  world_.run_for(2 * EngineWorld::grace);
  EXPECT_EQ(world_.server("b").writes(), 0U);
  EXPECT_TRUE(has("team", "first", "b"));
  const auto notes = world_.engine().status().notes;
  EXPECT_TRUE(std::any_of(notes.begin(), notes.end(), [](const Error& note) {
    return note.message().find("context b is not in the kubeconfig any more") != std::string::npos;
  }));
}

TEST_F(TwoClusters, ATruncatedOrEmptyKubeconfigLosesNoContext) {
  begin(make_target({"team"}, {"*"}));
  for (const auto* torn : {"", "apiVersion: v1\nkind: Config\ncontexts:\n", R"({"apiVersion": "v1", "clus)"}) {
    world_.set_kubeconfig(torn);
    world_.login("ghcr.io", std::string("p") + std::to_string(std::string_view(torn).size()));
    EXPECT_TRUE(becomes("team", std::string("p") + std::to_string(std::string_view(torn).size())));
    EXPECT_TRUE(becomes("team", std::string("p") + std::to_string(std::string_view(torn).size()), "b"));
  }
}

TEST_F(TwoClusters, WhatATargetDropsWhileItsContextIsMissingIsRemovedWhenItIsBack) {
  begin(make_target({"team"}, {"*"}));
  world_.set_contexts({"b"});
  auto renamed = make_target({"team"}, {"*"});
  renamed.secret = "renamed";
  world_.put_target(renamed);
  EXPECT_TRUE(is_gone("team", "b"));
  world_.run_for(50ms);
  EXPECT_TRUE(has("team")) << "cannot be known to be unwanted by a cluster that is not there";
  world_.set_contexts({"a", "b"});
  EXPECT_TRUE(is_gone("team"));
  EXPECT_TRUE(world_.until([&] { return world_.secret("team", "renamed").has_value(); }));
}

TEST_F(TwoClusters, ADeadContextDelaysNoOther) {
  world_.server("b").inject({.kind = Fault::Kind::half_open, .times = -1});
  world_.put_target(make_target({"team"}, {"*"}));
  world_.start();
  EXPECT_TRUE(becomes("team"));
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(becomes("team", "second"));
  world_.server("b").clear_faults();
}

TEST_F(TwoClusters, ASlowContextDelaysNoOther) {
  world_.server("b").inject({.kind = Fault::Kind::slow, .times = -1, .bytes = 100});  // a second for each answer
  world_.put_target(make_target({"team"}, {"*"}));
  world_.start();
  EXPECT_TRUE(becomes("team"));
  EXPECT_FALSE(has("team", "first", "b"));
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(becomes("team", "second"));
  EXPECT_FALSE(has("team", "second", "b"));
  EXPECT_TRUE(becomes("team", "second", "b"));
}

// --- ownership

TEST_F(EngineTest, WhatACutOffContextWaitsForIsTheContext) {
  begin(make_target());
  world_.logout("ghcr.io");
  ASSERT_TRUE(world_.until([&] { return world_.state("team") == SyncState::stuck; }));
  server().inject({.kind = Fault::Kind::close, .times = -1});
  server().cut_watches();
  ASSERT_TRUE(world_.until([&] { return !world_.engine().status().contexts.at(0).connected; }));
  EXPECT_EQ(world_.cause("team"), ErrorCode::login_missing) << "still the first thing to be mended";
  world_.login("ghcr.io", "new");
  EXPECT_TRUE(world_.until([&] { return world_.state("team") == SyncState::retrying; }));
  EXPECT_EQ(world_.cause("team"), ErrorCode::unreachable);
}

TEST_F(EngineTest, ASecretOfOthersIsAConflictUntilItIsAdopted) {
  server().put({"secrets", "team", "cred"}, foreign_secret());
  const auto before = world_.secret("team", "cred");
  begin(make_target());
  EXPECT_EQ(world_.state("team"), SyncState::stuck);
  EXPECT_EQ(world_.cause("team"), ErrorCode::not_owned);
  EXPECT_EQ(world_.secret("team", "cred"), before);
  world_.sync("t", /*adopt=*/true);
  EXPECT_TRUE(has("team"));
  EXPECT_EQ(world_.secret("team", "cred")->at("metadata").at("uid"), before->at("metadata").at("uid"));
}

TEST_F(EngineTest, AnAdoptionThatFoundNoLoginTakesNothingOverLater) {
  server().put({"secrets", "team", "cred"}, foreign_secret());
  world_.logout("ghcr.io");
  begin(make_target());
  world_.sync("t", /*adopt=*/true);
  EXPECT_EQ(world_.cause("team"), ErrorCode::login_missing);
  world_.login("ghcr.io", "first");
  ASSERT_TRUE(world_.until([&] { return world_.cause("team") == ErrorCode::not_owned; }));
  world_.settle();
  EXPECT_FALSE(is_ours(world_.secret("team", "cred").value()));
}

TEST_F(TwoClusters, WhatASyncThatWasCutShortHadNotTakenOverIsLeftAlone) {
  const FakeCluster::Key cred{"secrets", "team", "cred"};
  server().put(cred, foreign_secret());
  world_.server("b").put(cred, foreign_secret());
  begin(make_target({"team"}, {"a", "b"}));
  server().inject({.kind = Fault::Kind::held, .verb = "apply"});
  world_.server("b").inject({.kind = Fault::Kind::status, .verb = "apply", .times = -1});
  Background sync(world_.io(), world_.engine().sync({"t"}, /*adopt=*/true));
  ASSERT_TRUE(world_.until([&] {
    return server().count("apply") == 1 && world_.cause("team", "b") == ErrorCode::server_error;
  })) << "it waits for a, and would for b";
  ASSERT_TRUE(sync.stop());
  ASSERT_TRUE(sync.failure());
  EXPECT_EQ(sync.failure()->code(), ErrorCode::cancelled);
  server().release_held();
  world_.server("b").clear_faults();
  world_.sync("t");
  EXPECT_EQ(world_.cause("team", "b"), ErrorCode::not_owned);
  EXPECT_FALSE(is_ours(world_.secret("team", "cred", "b").value()));
}

TEST_F(EngineTest, ASecretOfAnotherTypeIsStuckAndIsNotAdopted) {
  server().put({"secrets", "team", "cred"}, {{"type", "Opaque"}, {"data", {{"x", "eA=="}}}});
  const auto before = world_.secret("team", "cred");
  begin(make_target());
  world_.sync("t", true);
  EXPECT_EQ(world_.cause("team"), ErrorCode::immutable);
  EXPECT_EQ(world_.secret("team", "cred"), before);
  server().erase({"secrets", "team", "cred"});
  EXPECT_TRUE(becomes("team"));
}

TEST_F(EngineTest, AnImmutableSecretIsStuckWithItsRemedy) {
  begin(make_target());
  auto secret = world_.secret("team", "cred").value();
  secret["immutable"] = true;
  secret["metadata"].erase("resourceVersion");
  server().put({"secrets", "team", "cred"}, secret);
  world_.login("ghcr.io", "second");
  ASSERT_TRUE(world_.until([&] { return world_.cause("team") == ErrorCode::immutable; }));
  EXPECT_NE(world_.row("team")->cause->remedy().find("delete secret cred"), std::string::npos);
  server().erase({"secrets", "team", "cred"});
  EXPECT_TRUE(becomes("team", "second"));
}

TEST_F(EngineTest, TwoOwnersOfOneTargetDoNotFight) {
  begin(make_target());
  const TempDir other_disk;
  EngineProcess other(world_.io(), other_disk.path(), "ffeeddccbbaa9988", few_watches, EngineWorld::grace,
                      {.on_wanted = [](const auto&) {}, .on_change = [] {}, .read_again = [] {}});
  const auto config = other_disk.write("config", server().kubeconfig({"a"}));
  StoreReading logins;
  logins.asked = {RegistryKey("ghcr.io")};
  logins.provider = StoreProvider{.program = "keyring", .pid = 1, .bus_name = ":1.1"};
  logins.credentials.push_back({{"ghcr.io", "jdoe"}, SecretString("other")});
  other.engine.set_logins(std::move(logins));
  other.engine.set_targets({{"t", {make_target(), std::nullopt}}});
  other.engine.set_kubeconfig(kube::Kubeconfig::load(config));
  run(world_.io(), other.engine.sync({}, false));
  world_.forget_requests();
  world_.run_for(500ms);
  EXPECT_EQ(world_.writes(), 0U);
  EXPECT_TRUE(has("team"));
  const auto rows = other.engine.status().rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].cause->code(), ErrorCode::not_owned);
  run(world_.io(), other.engine.stop());
}

// --- drift

TEST_F(EngineTest, AnEditAndADeleteArePutRightInPlace) {
  begin(make_target());
  const auto uid = world_.secret("team", "cred")->at("metadata").at("uid");
  edit("team");
  EXPECT_TRUE(becomes("team"));
  EXPECT_EQ(world_.secret("team", "cred")->at("metadata").at("uid"), uid);
  server().erase({"secrets", "team", "cred"});
  EXPECT_TRUE(becomes("team"));
}

TEST_F(EngineTest, WithoutItsLabelASecretIsNotOursAnyMore) {
  begin(make_target());
  auto secret = world_.secret("team", "cred").value();
  secret["metadata"].erase("labels");
  secret["metadata"].erase("resourceVersion");
  server().put({"secrets", "team", "cred"}, secret);
  const auto stripped = world_.secret("team", "cred");
  ASSERT_TRUE(world_.until([&] { return world_.cause("team") == ErrorCode::not_owned; }));
  world_.login("ghcr.io", "second");
  world_.run_for(100ms);
  EXPECT_EQ(world_.secret("team", "cred"), stripped);
  world_.sync("t", true);
  EXPECT_TRUE(has("team", "second"));
}

TEST_F(EngineTest, AnOldEntryIsCarriedOverIntoNoSecretThatIsNotOursAnyMore) {
  server().inject({.kind = Fault::Kind::half_open, .verb = "watch", .resource = "secrets"});  // news come late
  auto target = make_target();
  target.registries = {"ghcr.io", "quay.io"};
  world_.login("quay.io", "first");
  begin(target);
  world_.logout("quay.io");
  world_.sync();
  auto given_away = world_.secret("team", "cred").value();
  given_away.at("metadata").erase("labels");
  given_away.at("metadata").erase("resourceVersion");
  server().put({"secrets", "team", "cred"}, given_away);
  given_away = world_.secret("team", "cred").value();
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return world_.cause("team") == ErrorCode::not_owned; }));
  EXPECT_EQ(world_.secret("team", "cred"), given_away);
}

TEST_F(EngineTest, SomebodyWhoKeepsFightingIsMetAtABoundedRate) {
  begin(make_target());
  world_.forget_requests();
  const auto until = std::chrono::steady_clock::now() + 2s;
  int edits = 0;
  while (std::chrono::steady_clock::now() < until) {
    if (has("team")) {
      edit("team", "fight" + std::to_string(++edits));
    }
    world_.run_for(10ms);
  }
  EXPECT_GE(world_.writes(), 4U) << "the first repairs come at once";
  EXPECT_LE(world_.writes(), 10U);
  EXPECT_TRUE(becomes("team")) << "and it is not given up";
}

// The watch tells of a Secret's deletion before the answer to its creation is read.
TEST_F(EngineTest, AnEditAmidABulkOfWritesIsPutRightAfterIt) {
  constexpr int many = 100;
  for (int i = 0; i < many; ++i) {
    server().make_namespace("bulk" + std::to_string(i));
  }
  const auto written = [&](const std::string& password) {
    int count = 0;
    for (int i = 0; i < many; ++i) {
      count += has("bulk" + std::to_string(i), password) ? 1 : 0;
    }
    return count;
  };
  const auto all_become = [&](const std::string& password) {
    for (int i = 0; i < 200 && written(password) < many; ++i) {
      world_.run_for(50ms);
    }
    return written(password) == many;
  };
  world_.put_target(make_target({"bulk*"}));
  world_.start();
  ASSERT_TRUE(all_become("first"));
  world_.sync();
  ASSERT_TRUE(world_.until([&] { return server().open_watches() == 2; }));
  server().inject({.kind = Fault::Kind::held, .verb = "apply", .name_space = "bulk99"});  // the bulk has no end yet
  world_.login("ghcr.io", "second");
  ASSERT_TRUE(
      world_.until([&] { return server().open_watches() == 1 && has("bulk0", "second") && has("bulk1", "second"); }));
  auto edited = world_.secret("bulk0", "cred").value();
  edited.at("metadata").erase("resourceVersion");
  edited["data"] = foreign_secret()["data"];
  server().put({"secrets", "bulk0", "cred"}, edited);
  server().erase({"secrets", "bulk1", "cred"});
  server().release_held();
  EXPECT_TRUE(all_become("second"));
  world_.sync();
  world_.forget_requests();
  world_.run_for(100ms);
  EXPECT_EQ(world_.writes(), 0U);
}

TEST_F(EngineTest, ADeletionThatOvertakesOurOwnWriteIsSeen) {
  begin(make_target());
  server().inject({.kind = Fault::Kind::slow, .verb = "apply", .bytes = 8});  // the answer takes 80 ms
  world_.login("ghcr.io", "second");
  ASSERT_TRUE(becomes("team", "second"));
  server().erase({"secrets", "team", "cred"});
  EXPECT_TRUE(becomes("team", "second"));
}

TEST_F(EngineTest, ARotationIsNotMissedWhateverWasFreedBefore) {
  auto target = make_target();
  target.registries = {"ghcr.io",
                       "quay.io"};  // one is missing: what the Secret should be is known by the payload alone
  begin(target);
  for (int i = 0; i < 30; ++i) {
    world_.login("ghcr.io", "passing");  // never written: the next one comes in the same moment
    world_.login("ghcr.io", "p" + std::to_string(i));
    ASSERT_TRUE(becomes("team", "p" + std::to_string(i))) << i;
  }
}

// --- logout, and several logins in one Secret

TEST_F(EngineTest, ALogoutKeepsUnlessTheTargetSaysRemove) {
  begin(make_target());
  world_.logout("ghcr.io");
  ASSERT_TRUE(world_.until([&] { return world_.state("team") == SyncState::stuck; }));
  EXPECT_TRUE(has("team"));
  auto remove = make_target();
  remove.on_logout = OnLogout::remove;
  world_.put_target(remove);
  EXPECT_TRUE(is_gone("team"));
}

TEST_F(EngineTest, ALockedStoreIsNoLogout) {
  auto target = make_target();
  target.on_logout = OnLogout::remove;
  begin(target);
  world_.lock();
  world_.logout("ghcr.io");
  world_.restart();
  world_.sync();
  world_.run_for(200ms);
  EXPECT_TRUE(has("team"));
  EXPECT_EQ(world_.cause("team"), ErrorCode::locked);
  world_.lock(false);
  EXPECT_TRUE(is_gone("team"));
}

TEST_F(EngineTest, LosingOneOfSeveralLoginsKeepsItsEntry) {
  world_.login("quay.io", "q1");
  auto target = make_target();
  target.registries = {"ghcr.io", "quay.io"};
  begin(target);
  world_.logout("quay.io");
  world_.login("ghcr.io", "second");
  const auto entries = [&] { return entries_of(world_.secret("team", "cred").value()); };
  EXPECT_TRUE(world_.until([&] { return entries().at("ghcr.io") == "jdoe:second"; }));
  EXPECT_THAT(entries(), UnorderedElementsAre(Pair("ghcr.io", "jdoe:second"), Pair("quay.io", "jdoe:q1")));
  world_.restart();
  world_.sync();
  EXPECT_THAT(entries(), UnorderedElementsAre(Pair("ghcr.io", "jdoe:second"), Pair("quay.io", "jdoe:q1")));
}

// --- removal, and what is remembered

TEST_F(EngineTest, WhatSomebodyMadeInPlaceOfOursWhileItWasBeingRemovedStays) {
  begin(make_target());
  world_.forget_requests();
  server().inject({.kind = Fault::Kind::slow, .verb = "get", .resource = "secrets", .bytes = 10});
  world_.forget_target("t");
  const auto looked = [&] {
    const auto requests = server().requests();
    return std::any_of(requests.begin(), requests.end(), [](const auto& request) { return request.verb == "get"; });
  };
  ASSERT_TRUE(world_.until(looked));
  server().erase({"secrets", "team", "cred"});
  server().put({"secrets", "team", "cred"}, foreign_secret());
  EXPECT_TRUE(world_.until([&] { return world_.engine().status().targets.empty(); }));
  EXPECT_EQ(entries_of(world_.secret("team", "cred").value()), entries_of(foreign_secret()));
}

TEST_F(EngineTest, ARenamedSecretAndNarrowedNamespacesTakeTheOldOnesAway) {
  begin(make_target({"team", "default"}));
  world_.put_target(make_target({"team"}));
  EXPECT_TRUE(is_gone("default"));
  auto renamed = make_target({"team"});
  renamed.secret = "renamed";
  world_.put_target(renamed);
  EXPECT_TRUE(is_gone("team"));
  EXPECT_TRUE(world_.until([&] { return world_.secret("team", "renamed").has_value(); }));
}

TEST_F(EngineTest, ARemovedTargetIsRememberedUntilTheNextOneHasTakenItsSecretOver) {
  begin(make_target());
  auto next = make_target();
  next.name = "next";
  next.registries = {"quay.io"};  // nobody logged in there
  world_.put_target(next);
  world_.forget_target("t");
  world_.sync();
  EXPECT_TRUE(has("team")) << "it is claimed, and there is nothing better to put there";
  const auto report = world_.engine().status("t");
  ASSERT_EQ(report.rows.size(), 1U);
  EXPECT_EQ(report.rows[0].state, SyncState::removing);
  world_.restart();
  next.namespaces = {"default"};
  world_.put_target(next);
  EXPECT_TRUE(is_gone("team"));
  EXPECT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
}

TEST_F(TwoClusters, InAPausedContextNothingIsWrittenOrDeletedAndNothingIsForgotten) {
  begin(make_target({"team"}, {"*"}));
  EXPECT_TRUE(world_.engine().pause_context("b", true));
  EXPECT_FALSE(world_.engine().pause_context("b", true));
  world_.forget_requests();
  world_.login("ghcr.io", "rotated");
  world_.sync();
  EXPECT_EQ(world_.state("team", "a"), SyncState::in_sync);
  EXPECT_EQ(world_.state("team", "b"), SyncState::paused);
  EXPECT_TRUE(has("team", "rotated"));
  EXPECT_EQ(world_.server("b").writes(), 0U);
  world_.restart();
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("team"));
  world_.run_for(200ms);
  EXPECT_TRUE(has("team", "first", "b"));
  const auto report = world_.engine().status();
  ASSERT_EQ(report.rows.size(), 1U) << "what is left is not forgotten";
  EXPECT_EQ(report.rows[0].state, SyncState::paused);
  world_.restart();
  EXPECT_TRUE(has("team", "first", "b"));
  EXPECT_TRUE(world_.engine().pause_context("b", false));
  EXPECT_TRUE(is_gone("team", "b"));
  EXPECT_TRUE(world_.until([&] { return world_.engine().status().targets.empty(); }));
}

TEST_F(TwoClusters, WhatCannotBeReachedIsRememberedAcrossARestart) {
  begin(make_target({"team"}, {"*"}));
  world_.server("b").inject({.kind = Fault::Kind::close, .times = -1});
  world_.server("b").cut_watches();
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("team"));
  world_.restart();
  world_.run_for(300ms);
  EXPECT_TRUE(has("team", "first", "b"));
  const auto report = world_.engine().status("t");
  ASSERT_EQ(report.targets.size(), 1U);
  EXPECT_TRUE(report.targets[0].removing);
  ASSERT_EQ(report.rows.size(), 1U);
  EXPECT_EQ(report.rows[0].state, SyncState::removing);
  world_.server("b").clear_faults();
  world_.sync();
  EXPECT_TRUE(is_gone("team", "b"));
  EXPECT_TRUE(world_.until([&] { return world_.engine().status().targets.empty(); }));
}

TEST_F(EngineTest, KeptSecretsAreNobodysAndNoLaterTargetTakesThem) {
  begin(make_target({"te*"}));
  const auto uid = world_.secret("team", "cred").value().at("metadata").at("uid");
  world_.forget_target("t", true);
  world_.sync();
  EXPECT_TRUE(has("team"));
  EXPECT_FALSE(is_ours(world_.secret("team", "cred").value()));
  EXPECT_TRUE(world_.engine().status().targets.empty()) << "and that is all there was to do";
  EXPECT_TRUE(std::filesystem::is_empty(world_.footprint_folder()));

  // A target of the same name that does not cover the place, and one that does.
  auto elsewhere = make_target({"te*", "default"});
  elsewhere.exclude_namespaces = {"team"};
  world_.put_target(elsewhere);
  EXPECT_TRUE(becomes("default"));
  world_.sync();
  EXPECT_TRUE(has("team"));
  world_.put_target(make_target({"te*"}));
  EXPECT_TRUE(world_.until([&] { return world_.cause("team") == ErrorCode::not_owned; }));
  world_.sync("t", true);
  EXPECT_EQ(world_.state("team"), SyncState::in_sync);
  EXPECT_EQ(world_.secret("team", "cred").value().at("metadata").at("uid"), uid);
}

TEST_F(TwoClusters, WhatIsKeptWhereNobodyAnswersIsReleasedLater) {
  begin(make_target({"team"}, {"*"}));
  world_.server("b").inject({.kind = Fault::Kind::close, .times = -1});
  world_.server("b").cut_watches();
  world_.forget_target("t", true);
  EXPECT_TRUE(world_.until([&] { return !is_ours(world_.secret("team", "cred", "a").value()); }));
  // Declared anew, elsewhere, before the other cluster is back.
  world_.put_target(make_target({"default"}, {"a"}));
  world_.restart();
  world_.run_for(300ms);
  world_.server("b").clear_faults();
  world_.sync();
  EXPECT_TRUE(world_.until([&] { return !is_ours(world_.secret("team", "cred", "b").value()); }));
  EXPECT_TRUE(has("team", "first", "a"));
  EXPECT_TRUE(has("team", "first", "b"));
  EXPECT_TRUE(becomes("default"));

  // What is declared since is deleted as ever.
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("default"));
  EXPECT_TRUE(has("team", "first", "b"));
}

TEST_F(EngineTest, ALostTargetFileDeletesNothing) {
  begin(make_target());
  world_.lose_target("t");
  world_.sync();
  world_.restart();
  world_.sync();
  EXPECT_TRUE(has("team"));
  EXPECT_EQ(world_.engine().status().targets.at(0).problems.at(0).code(), ErrorCode::file_missing);
}

TEST_F(EngineTest, AMalformedTargetFileKeepsTheLastGoodOneInForce) {
  begin(make_target());
  world_.malform_target("t");
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(becomes("team", "second"));
  EXPECT_EQ(world_.engine().status().targets.at(0).problems.at(0).code(), ErrorCode::invalid_input);
}

// --- ServiceAccounts

class Accounts : public EngineTest {
 protected:
  Accounts() { server().put({"serviceaccounts", "team", "default"}, {{"imagePullSecrets", {{{"name", "theirs"}}}}}); }

  static Target attaching(std::vector<std::string> namespaces = {"team"}) {
    auto target = make_target(std::move(namespaces));
    target.service_accounts = {"default"};
    return target;
  }
  std::vector<std::string> attached() {
    return pull_secrets_of(server().find({"serviceaccounts", "team", "default"}).value());
  }
};

TEST_F(Accounts, AreAttachedAndDetached) {
  begin(attaching());
  EXPECT_THAT(attached(), ElementsAre("theirs", "cred"));
  world_.put_target(make_target());
  EXPECT_TRUE(world_.until([&] { return attached().size() == 1; }));
  world_.put_target(attaching());
  EXPECT_TRUE(world_.until([&] { return attached().size() == 2; }));
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("team"));
  EXPECT_THAT(attached(), ElementsAre("theirs"));
}

TEST_F(Accounts, AreFoundByPatternAlsoWhenTheyAreNew) {
  const auto of = [&](const std::string& name) {
    return pull_secrets_of(server().find({"serviceaccounts", "team", name}).value());
  };
  server().put({"serviceaccounts", "team", "build-a"}, json::object());
  auto target = make_target();
  target.service_accounts = {"build-*"};
  begin(target);
  EXPECT_THAT(of("build-a"), ElementsAre("cred"));
  EXPECT_THAT(attached(), ElementsAre("theirs"));
  server().put({"serviceaccounts", "team", "build-b"}, json::object());
  EXPECT_TRUE(world_.until([&] { return of("build-b").size() == 1; }));

  target.service_accounts = {"*"};
  world_.put_target(target);
  EXPECT_TRUE(world_.until([&] { return attached().size() == 2; }));
  target.service_accounts = {"default"};
  world_.put_target(target);
  EXPECT_TRUE(world_.until([&] { return of("build-a").empty() && of("build-b").empty(); }));
  EXPECT_THAT(attached(), ElementsAre("theirs", "cred"));
}

// Where all may not be watched at once, those of each namespace may.
TEST_F(Accounts, AreFoundByPatternWithTheRightsOfOneNamespace) {
  server().deny_cluster_wide("list", "serviceaccounts");
  auto target = make_target();
  target.service_accounts = {"*"};
  begin(target);
  EXPECT_THAT(attached(), ElementsAre("theirs", "cred"));
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("team"));
  EXPECT_THAT(attached(), ElementsAre("theirs"));
}

TEST_F(Accounts, LoseNothingOfConcurrentWriters) {
  begin(attaching());
  std::vector<std::string> names{"theirs"};
  for (int i = 0; i < 30; ++i) {
    auto account = server().find({"serviceaccounts", "team", "default"}).value();
    // Each writer replaces the whole list, ours in it or not, as careless ones do; guarded by the version.
    account["imagePullSecrets"] = json::array();
    names.push_back("n" + std::to_string(i));
    for (const auto& name : names) {
      account["imagePullSecrets"].push_back({{"name", name}});
    }
    try {
      server().put({"serviceaccounts", "team", "default"}, account);
    } catch (const std::runtime_error&) {
      names.pop_back();  // we were faster
    }
    world_.run_for(std::chrono::milliseconds(i % 5));
  }
  EXPECT_TRUE(world_.until([&] {
    const auto all = attached();
    return std::count(all.begin(), all.end(), "cred") == 1;
  }));
  for (const auto& name : names) {
    EXPECT_THAT(attached(), testing::Contains(name));
  }
}

TEST_F(Accounts, AreDetachedAfterAFailureAlthoughTheNextTargetHasTakenTheSecretOver) {
  begin(attaching());
  auto next = make_target();
  next.name = "next";
  server().inject({.verb = "patch", .resource = "serviceaccounts", .times = 3, .status = 500});
  world_.put_target(next);
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([&] { return world_.state("team", "a", "next") == SyncState::retrying; }));
  world_.restart();
  EXPECT_TRUE(world_.until([&] { return attached().size() == 1; }));
  EXPECT_TRUE(has("team"));
  EXPECT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
}

TEST_F(Accounts, AreDetachedByARemovalThatARestartInterrupted) {
  begin(attaching());
  server().inject({.kind = Fault::Kind::close, .times = -1});
  server().cut_watches();
  world_.forget_target("t");
  world_.stop();
  server().clear_faults();
  server().inject({.kind = Fault::Kind::slow, .verb = "list", .resource = "serviceaccounts", .bytes = 20});
  world_.start();
  EXPECT_TRUE(is_gone("team"));
  EXPECT_THAT(attached(), ElementsAre("theirs"));
}

TEST_F(Accounts, AreDetachedByARemovalThatFindsTheSecretDeletedBySomebodyElse) {
  begin(attaching({"team*"}));
  world_.stop();
  server().erase({"secrets", "team", "cred"});
  world_.start();
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
  EXPECT_THAT(attached(), ElementsAre("theirs"));
}

TEST_F(Accounts, KeepTheEntryOfASecretThatSomebodyDeletedWhereItIsNotCertainThatItsTargetGaveItUp) {
  begin(attaching());
  world_.stop();
  server().erase({"secrets", "team", "cred"});
  world_.lose_target("t");
  world_.start();
  world_.run_for(EngineWorld::grace * 3);
  EXPECT_THAT(attached(), ElementsAre("theirs", "cred"));
  world_.restart();
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([&] { return world_.engine().status("t").targets.empty(); }));
  EXPECT_THAT(attached(), ElementsAre("theirs")) << "it was remembered until somebody said so";
}

// --- restart, and getting well

TEST_F(Accounts, ARestartOverASyncedClusterWritesNothingAndListsOnce) {
  auto target = attaching({"team*"});
  for (int i = 0; i < 20; ++i) {
    const auto name = "team-" + std::to_string(i);
    server().make_namespace(name);
    server().put({"serviceaccounts", name, "default"}, json::object());
  }
  begin(target);
  ASSERT_TRUE(has("team-19"));
  world_.forget_requests();
  server().inject({.kind = Fault::Kind::slow, .verb = "list", .resource = "serviceaccounts", .bytes = 10});
  world_.restart();
  world_.sync();
  EXPECT_EQ(world_.writes(), 0U);
  EXPECT_EQ(server().count("list", "secrets"), 1U);
  EXPECT_EQ(server().count("list", "namespaces"), 1U);
  EXPECT_EQ(server().count("list", "serviceaccounts"), 1U);
  EXPECT_EQ(server().count("get"), server().count("get", "namespaces")) << "kube-system, to know whose cluster it is";
}

TEST_F(EngineTest, SyncTriesAtOnceWhatWaitsForABackoff) {
  begin(make_target());
  constexpr int wish = 120;  // seconds: longer than anything else here may take
  server().inject({.times = -1, .status = 503, .retry_after = wish});
  server().cut_watches();
  ASSERT_TRUE(world_.until([&] { return world_.engine().status().contexts.at(0).problem.has_value(); }));
  world_.login("ghcr.io", "second");
  server().clear_faults();
  world_.sync();
  EXPECT_TRUE(has("team", "second"));
}

TEST_F(EngineTest, TroubleWithWhatIsNotNeededAnyMoreHoldsNothingUp) {
  server().inject({.kind = Fault::Kind::close, .verb = "list", .resource = "serviceaccounts", .times = -1});
  auto target = make_target();
  target.service_accounts = {"default"};
  world_.put_target(target);
  world_.start();
  ASSERT_TRUE(world_.until([&] { return world_.engine().status().contexts.at(0).problem.has_value(); }));
  world_.put_target(make_target());
  EXPECT_TRUE(becomes("team"));
}

TEST_F(EngineTest, FailuresAreRetriedAndOnlyTheirOwnNamespaceWaits) {
  server().make_namespace("other");
  Fault fault;
  fault.verb = "apply";
  fault.name_space = "team";
  fault.times = 2;
  server().inject(fault);
  world_.put_target(make_target({"team", "other"}));
  world_.start();
  EXPECT_TRUE(becomes("other"));
  EXPECT_TRUE(becomes("team"));
}

TEST_F(EngineTest, TheStatusTellsSinceWhenAndWhenItIsTriedAgain) {
  const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  server().inject({.verb = "apply", .times = -1, .status = 500});
  world_.put_target(make_target());
  world_.start();
  std::optional<StatusRow> failed;
  const auto waits_for_a_later_try_than = [&](std::optional<WallTime> known) {
    return world_.until([&] {
      failed = world_.row("team");
      return failed && failed->next_try && failed->next_try > known;
    });
  };
  ASSERT_TRUE(waits_for_a_later_try_than(std::nullopt));
  const auto since = failed->since;
  EXPECT_EQ(failed->state, SyncState::retrying);
  EXPECT_GE(since, before);
  EXPECT_FALSE(failed->last_change);
  EXPECT_GT(failed->next_try, since);
  ASSERT_TRUE(waits_for_a_later_try_than(failed->next_try)) << "the next one failed too";
  EXPECT_EQ(failed->since, since) << "it is the same trouble";
  server().clear_faults();
  EXPECT_TRUE(becomes("team"));
  ASSERT_TRUE(world_.until([&] { return world_.state("team") == SyncState::in_sync; }));
  const auto synced = world_.row("team").value();
  EXPECT_GE(synced.since, since);
  EXPECT_FALSE(synced.next_try);
  ASSERT_TRUE(synced.last_change);
  EXPECT_GE(*synced.last_change, since);
}

TEST_F(EngineTest, AForbiddenNamespaceIsStuckAndTheOthersAreInSync) {
  server().make_namespace("other");
  server().deny("patch", "secrets", "team");
  begin(make_target({"team", "other"}));
  EXPECT_TRUE(has("other"));
  EXPECT_EQ(world_.cause("team"), ErrorCode::forbidden);
  server().allow_all();
  world_.sync();
  EXPECT_TRUE(has("team"));
}

TEST_F(EngineTest, NothingIsSaidToBeRemovedWhereNamespacesCannotBeListed) {
  auto by_label = make_target({});
  by_label.namespace_selector = LabelSelector::parse("env=prod");
  for (const auto& target : {make_target({"te*"}), by_label}) {
    server().make_namespace("team", {{"env", "prod"}});
    world_.put_target(target);
    if (!world_.running()) {
      world_.start();
    }
    ASSERT_TRUE(becomes("team"));
    world_.sync();
    server().deny("", "namespaces", "");
    world_.restart();
    world_.sync();
    const auto report = world_.engine().status("t");
    EXPECT_FALSE(report.rows.empty());
    for (const auto& row : report.rows) {
      EXPECT_NE(row.state, SyncState::removing) << row.name_space;
    }
    EXPECT_TRUE(has("team"));
    server().allow_all();
    world_.sync();
  }
}

TEST_F(EngineTest, ARemovalThatIsForbiddenIsNotForgotten) {
  begin(make_target());
  server().deny("", "secrets", "");
  server().cut_watches();
  world_.restart();
  world_.sync();
  world_.forget_target("t");
  world_.sync();
  const auto report = world_.engine().status("t");
  EXPECT_EQ(report.targets.size(), 1U) << "the Secret is still there";
  ASSERT_EQ(report.rows.size(), 1U) << "and it is said where";
  EXPECT_EQ(report.rows[0].state, SyncState::removing);
  EXPECT_EQ(report.rows[0].name_space, "team");
  ASSERT_TRUE(report.rows[0].cause);
  EXPECT_EQ(report.rows[0].cause->code(), ErrorCode::forbidden);
  server().allow_all();
  world_.sync();
  EXPECT_TRUE(is_gone("team"));
}

TEST_F(EngineTest, ARemovalByPatternThatIsForbiddenIsSaid) {
  begin(make_target({"te*"}));
  server().deny("", "secrets", "");
  server().cut_watches();
  world_.restart();
  world_.forget_target("t");
  world_.sync();
  const auto report = world_.engine().status("t");
  ASSERT_FALSE(report.rows.empty());
  EXPECT_EQ(report.rows[0].state, SyncState::removing);
  ASSERT_TRUE(report.rows[0].cause);
  EXPECT_EQ(report.rows[0].cause->code(), ErrorCode::forbidden);
  server().allow_all();
  world_.sync();
  EXPECT_TRUE(is_gone("team"));
  EXPECT_TRUE(world_.until([&] { return world_.engine().status().targets.empty(); }));
}

}  // namespace
}  // namespace regsync::test
