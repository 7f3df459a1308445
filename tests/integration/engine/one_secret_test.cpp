// Two targets that want one Secret: whose it is, when it passes from one to the other, and that it stays the same
// object then.
#include <gtest/gtest.h>

#include "sync/engine/engine.hpp"
#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;

constexpr auto beyond_grace = 3 * EngineWorld::grace;
// Where a test looks within the grace: a machine may stand still for a moment.
constexpr auto long_grace = 1500ms;
constexpr auto within_long_grace = long_grace / 20;

// t, of ghcr.io, has the Secret in n1; u, of quay.io, wants it too.
class OneSecret : public testing::Test {
 protected:
  explicit OneSecret(const std::vector<std::string>& contexts = {"a"}) : world_(contexts) {
    world_.login("ghcr.io", "first");
    world_.login("quay.io", "second");
    for (const auto& [context, server] : world_.servers()) {
      server->make_namespace("n1");
      server->make_namespace("n2");
    }
  }

  void begin(const Target& first, const Target& second) {
    world_.put_target(first);
    world_.start();
    world_.sync();
    world_.put_target(second);
    world_.run_for(3 * world_.next_grace);
    world_.sync();
    uid_ = uid();
    ASSERT_EQ(holder(), "t");
  }

  static Target other(const std::string& context = "a") {
    auto target = make_target({"n1"}, {context});
    target.name = "u";
    target.registries = {"quay.io"};
    return target;
  }

  std::string uid() {
    const auto secret = world_.secret("n1", "cred");
    return secret ? secret->at("metadata").at("uid").get<std::string>() : "none";
  }
  std::string holder() {
    const auto secret = world_.secret("n1", "cred");
    return secret ? secret->at("metadata").at("annotations").value("regsync.dev/target", "") : "none";
  }
  bool is_taken_over() {
    return world_.until([this] { return holder() == "u"; }) &&
           world_.until([this] { return world_.state("n1", "a", "u") == SyncState::in_sync; });
  }

  EngineWorld world_;
  std::string uid_;
};

TEST_F(OneSecret, OfATargetWhoseFileIsGoneForAMomentStaysAsItIs) {
  world_.next_grace = long_grace;
  begin(make_target({"n1"}), other());
  world_.lose_target("t");
  world_.run_for(within_long_grace);
  EXPECT_EQ(holder(), "t");
  EXPECT_EQ(world_.state("n1", "a", "u"), SyncState::pending);
  EXPECT_EQ(world_.cause("n1", "a", "u"), ErrorCode::already_exists);
  world_.put_target(make_target({"n1"}));
  world_.run_for(2 * long_grace);
  EXPECT_EQ(holder(), "t");
  EXPECT_EQ(world_.state("n1", "a", "u"), SyncState::stuck);
}

TEST_F(OneSecret, OfATargetWhoseFileIsGoneForGoodPassesToTheOtherInPlace) {
  begin(make_target({"n1"}), other());
  world_.lose_target("t");
  world_.sync("u");
  EXPECT_EQ(holder(), "u") << "a sync waits until it is certain";
  EXPECT_EQ(uid(), uid_);
}

TEST_F(OneSecret, OfATargetThatCoversLessForAMomentStaysAsItIs) {
  world_.next_grace = long_grace;
  begin(make_target({"n1"}), other());
  world_.put_target(make_target({"n2"}));
  world_.run_for(within_long_grace);
  EXPECT_EQ(holder(), "t");
  world_.put_target(make_target({"n1"}));
  world_.run_for(2 * long_grace);
  EXPECT_EQ(holder(), "t");
  world_.put_target(make_target({"n2"}));
  world_.sync("u");
  EXPECT_EQ(holder(), "u") << "a sync waits until it is certain";
  EXPECT_EQ(uid(), uid_);
}

TEST_F(OneSecret, WhatACommandTookFromTheOnePassesToTheOtherAtOnce) {
  world_.next_grace = 1h;
  world_.put_target(make_target({"n1"}));
  world_.start();
  world_.sync();
  world_.put_target(other());
  world_.replace_target(make_target({"n2"}));
  EXPECT_TRUE(world_.until([this] { return holder() == "u"; }));
}

TEST_F(OneSecret, OfATargetWhoseFileCannotBeReadStaysAsItIs) {
  begin(make_target({"n1"}), other());
  world_.stop();
  world_.lose_target("t");
  world_.malform_target("t");
  world_.start();
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(holder(), "t");
}

TEST_F(OneSecret, OfATargetThatNamesAContextThatNobodyKnowsStaysAsItIs) {
  begin(make_target({"n1"}), other());
  world_.put_target(make_target({"n1"}, {"aa"}));
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(holder(), "t");
}

TEST_F(OneSecret, PassesInPlaceFromATargetThatRemovesOnLogout) {
  auto target = make_target({"n1"});
  target.on_logout = OnLogout::remove;
  begin(target, other());
  world_.logout("ghcr.io");
  ASSERT_TRUE(is_taken_over());
  EXPECT_EQ(uid(), uid_);
  EXPECT_EQ(world_.state("n1"), std::nullopt) << "it wants nothing there";
  EXPECT_EQ(world_.server().count("delete"), 0U);
  world_.login("ghcr.io", "third");
  ASSERT_TRUE(world_.until([this] { return world_.state("n1") == SyncState::stuck; })) << "it is the other one's now";
  world_.forget_target("u");
  EXPECT_TRUE(world_.until([this] { return holder() == "t"; }));
  EXPECT_EQ(uid(), uid_);
}

// c is another name of a's cluster.
class OneSecretThroughTwoContexts : public OneSecret {
 protected:
  OneSecretThroughTwoContexts() : OneSecret({"a", "b"}) { world_.add_alias("c", "a"); }
};

TEST_F(OneSecretThroughTwoContexts, OfATargetWhoseFileIsGoneForAMomentStaysAsItIs) {
  world_.next_grace = long_grace;
  begin(make_target({"n1"}), other("c"));
  world_.lose_target("t");
  world_.run_for(within_long_grace);
  EXPECT_EQ(holder(), "t");
}

TEST_F(OneSecretThroughTwoContexts, PassesInPlaceFromATargetThatRemovesOnLogout) {
  auto target = make_target({"n1"});
  target.on_logout = OnLogout::remove;
  begin(target, other("c"));
  world_.logout("ghcr.io");
  ASSERT_TRUE(world_.until([this] { return world_.state("n1", "c", "u") == SyncState::in_sync; }));
  EXPECT_EQ(holder(), "u");
  EXPECT_EQ(uid(), uid_);
  EXPECT_EQ(world_.server().count("delete"), 0U);
}

}  // namespace
}  // namespace regsync::test
