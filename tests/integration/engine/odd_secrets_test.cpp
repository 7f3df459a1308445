// Secrets and ServiceAccounts that are not as others: held back by a finalizer, without their marks, immutable, not to
// be followed; and writes whose answers are lost. The status tells what is so, and so do history and log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/engine/engine.hpp"
#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;

constexpr auto beyond_grace = 3 * EngineWorld::grace;

class OddSecrets : public testing::Test {
 protected:
  OddSecrets() {
    world_.login("ghcr.io", "first");
    world_.server().make_namespace("team");
  }

  void begin(const Target& target) {
    world_.put_target(target);
    world_.start();
    world_.sync();
  }
  void edit(const std::function<void(json& secret)>& how) {
    auto secret = world_.secret("team", "cred").value();
    how(secret);
    world_.server().put({"secrets", "team", "cred"}, secret);
  }
  std::string cause_text() {
    const auto row = world_.row("team");
    return row && row->cause ? describe(*row->cause) : "none";
  }
  std::vector<Change::Kind> kinds() const {
    std::vector<Change::Kind> all;
    for (const Change& change : world_.changes()) {
      all.push_back(change.kind);
    }
    return all;
  }

  EngineWorld world_;
};

// --- finalizers

TEST_F(OddSecrets, WhatAFinalizerHoldsBackIsNotSaidToBeRemoved) {
  begin(make_target());
  edit([](json& secret) { secret["metadata"]["finalizers"] = {"example.com/hold"}; });
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([this] { return world_.cause("team") == ErrorCode::rejected; }));
  EXPECT_EQ(world_.state("team"), SyncState::removing);
  EXPECT_THAT(cause_text(), HasSubstr("still there with the password in it: held back by the finalizer "
                                      "example.com/hold"));
  world_.sync();
  world_.restart();
  world_.sync();
  EXPECT_EQ(world_.state("team"), SyncState::removing);
  EXPECT_EQ(world_.server().count("delete"), 1U) << "once is enough";
  edit([](json& secret) { secret["metadata"].erase("finalizers"); });
  EXPECT_TRUE(world_.until([this] { return world_.engine().status("t").targets.empty(); }));
}

TEST_F(OddSecrets, WhatSomebodyDeletedAndAFinalizerHoldsBackIsKeptCurrentAndSaidAndMadeAnew) {
  begin(make_target());
  edit([](json& secret) { secret["metadata"]["finalizers"] = {"example.com/hold"}; });
  world_.server().erase({"secrets", "team", "cred"});
  const auto holds = [this](const std::string& password) {
    const auto secret = world_.secret("team", "cred");
    return secret && entries_of(*secret)["ghcr.io"] == "jdoe:" + password;
  };
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return holds("second") && world_.state("team") == SyncState::stuck; }));
  EXPECT_THAT(cause_text(), HasSubstr("was deleted, and is made anew once it is gone: held back by the "
                                      "finalizer example.com/hold"));
  edit([](json& secret) { secret["metadata"].erase("finalizers"); });
  EXPECT_TRUE(world_.until([&] { return holds("second") && world_.state("team") == SyncState::in_sync; }));
  EXPECT_FALSE(world_.secret("team", "cred")->at("metadata").contains("deletionTimestamp"));
}

// --- marks

TEST_F(OddSecrets, WithoutItsAnnotationsItIsSaidThatRegsyncWroteIt) {
  begin(make_target());
  for (const std::string gone : {"regsync.dev/target", "regsync.dev/owner"}) {
    edit([&](json& secret) { secret["metadata"]["annotations"].erase(gone); });
    ASSERT_TRUE(world_.until([this] { return world_.state("team") == SyncState::stuck; })) << gone;
    EXPECT_THAT(cause_text(), HasSubstr("was written by regsync, but is nobody's now")) << gone;
    world_.sync("t", /*adopt=*/true);
    EXPECT_EQ(world_.state("team"), SyncState::in_sync) << "as the remedy says";
  }
  auto wide = make_target({"te*"});
  world_.put_target(wide);
  world_.run_for(beyond_grace);
  edit([](json& secret) { secret["metadata"].erase("annotations"); });
  ASSERT_TRUE(world_.until([this] { return world_.state("team") == SyncState::stuck; }));
  world_.forget_target("t");
  world_.sync("t");
  const auto report = world_.engine().status("t");
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_THAT(report.notes.front().message(), HasSubstr("stays, with the password in it: it was written by regsync"));
}

TEST_F(OddSecrets, WhatARemovalGaveAwayIsNotSaidToBeMadeBySomebodyElse) {
  begin(make_target());
  world_.forget_target("t", /*keep_secrets=*/true);
  world_.sync();
  world_.put_target(make_target());
  world_.sync();
  EXPECT_THAT(cause_text(), HasSubstr("given away with --keep-secrets"));
}

// --- immutable

TEST_F(OddSecrets, AnImmutableOneThatHoldsAllThatIsWantedWaitsForTheLoginOnly) {
  world_.login("quay.io", "second");
  auto target = make_target();
  target.registries = {"ghcr.io", "quay.io"};
  begin(target);
  edit([](json& secret) { secret["immutable"] = true; });
  world_.logout("quay.io");  // its entry is carried over
  ASSERT_TRUE(world_.until([this] { return world_.cause("team") == ErrorCode::login_missing; }));
  world_.restart();
  world_.sync();
  EXPECT_EQ(world_.cause("team"), ErrorCode::login_missing) << "not that it should be deleted: " << cause_text();
  world_.login("ghcr.io", "third");
  EXPECT_TRUE(world_.until([this] { return world_.cause("team") == ErrorCode::immutable; })) << cause_text();
}

TEST_F(OddSecrets, AnImmutableOnePassesToTheTargetThatWantsWhatItHolds) {
  begin(make_target());
  edit([](json& secret) { secret["immutable"] = true; });
  auto renamed = make_target();
  renamed.name = "team";
  world_.put_target(renamed);
  world_.forget_target("t");
  world_.sync();
  EXPECT_EQ(world_.state("team", "a", "team"), SyncState::in_sync);
  EXPECT_TRUE(world_.engine().status("t").targets.empty()) << "nothing of it is left";
}

// --- ServiceAccounts that may be read and patched, but neither listed nor watched

class UnfollowedAccounts : public OddSecrets {
 protected:
  UnfollowedAccounts() {
    set_back();
    world_.server().deny("list", "serviceaccounts");
    world_.server().deny("watch", "serviceaccounts");
  }
  void set_back() {
    world_.server().put({"serviceaccounts", "team", "default"}, {{"imagePullSecrets", {{{"name", "theirs"}}}}});
  }
  std::vector<std::string> attached() {
    return pull_secrets_of(world_.server().find({"serviceaccounts", "team", "default"}).value());
  }
  static Target attaching(std::vector<std::string> accounts) {
    auto target = make_target();
    target.service_accounts = std::move(accounts);
    return target;
  }
};

TEST_F(UnfollowedAccounts, AreReadByASync) {
  begin(attaching({"default"}));
  EXPECT_THAT(attached(), Contains("cred"));
  EXPECT_EQ(world_.state("team"), SyncState::in_sync);
  set_back();
  world_.sync();
  EXPECT_THAT(attached(), Contains("cred"));
  EXPECT_EQ(world_.state("team"), SyncState::in_sync);
  world_.forget_requests();
  world_.sync();
  EXPECT_EQ(world_.writes(), 0U);
}

TEST_F(UnfollowedAccounts, AreDetachedByARemovalAfterARestart) {
  begin(attaching({"default"}));
  world_.restart();
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([this] { return world_.engine().status("t").targets.empty(); }));
  EXPECT_THAT(attached(), testing::ElementsAre("theirs"));
}

TEST_F(UnfollowedAccounts, ByPatternAreNeverInSync) {
  begin(attaching({"*"}));
  EXPECT_EQ(world_.state("team"), SyncState::stuck);
  EXPECT_EQ(world_.cause("team"), ErrorCode::forbidden);
}

TEST_F(UnfollowedAccounts, ThatCannotBeReadEitherAreNeverInSync) {
  world_.server().deny("get", "serviceaccounts");
  begin(attaching({"default"}));
  EXPECT_EQ(world_.state("team"), SyncState::stuck);
  EXPECT_EQ(world_.cause("team"), ErrorCode::forbidden);
}

// --- answers that are lost

TEST_F(OddSecrets, ADeletionWhoseAnswerIsLostLeavesItsTrace) {
  begin(make_target());
  world_.server().inject({.kind = Fault::Kind::cut, .verb = "delete", .resource = "secrets", .bytes = 1});
  world_.forget_target("t");
  ASSERT_TRUE(world_.until([this] { return world_.engine().status("t").targets.empty(); }));
  EXPECT_THAT(kinds(), testing::ElementsAre(Change::Kind::created, Change::Kind::deleted));
}

TEST_F(OddSecrets, AWriteWhoseAnswerIsLostIsToldOnce) {
  world_.server().inject({.kind = Fault::Kind::cut, .verb = "apply", .resource = "secrets", .bytes = 1});
  begin(make_target());
  ASSERT_TRUE(world_.until([this] { return world_.state("team") == SyncState::in_sync; }));
  EXPECT_THAT(kinds(), testing::ElementsAre(Change::Kind::created));
  world_.server().inject({.verb = "apply", .resource = "secrets", .status = 500});  // nothing was done
  world_.login("ghcr.io", "second");
  ASSERT_TRUE(world_.until([this] { return world_.state("team") == SyncState::in_sync; }));
  EXPECT_THAT(kinds(), testing::ElementsAre(Change::Kind::created, Change::Kind::updated));
}

}  // namespace
}  // namespace regsync::test
