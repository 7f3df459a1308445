#include "sync/engine/target_set.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

Target target(std::vector<std::string> registries) {
  Target target;
  target.name = "t";
  target.secret = "cred";
  target.registries = std::move(registries);
  target.contexts = {"a"};
  target.on_logout = OnLogout::remove;
  return target;
}

class TargetSetTest : public testing::Test {
 protected:
  void read() { set_.set(on_disk_); }
  void write(const Target& target) {
    on_disk_["t"] = {target, std::nullopt};
    read();
  }
  bool settles() {
    return test::run_until(io_, [&] { return set_.settled("t"); });
  }

  asio::io_context io_;
  TargetFiles on_disk_;
  TargetSet set_{io_.get_executor(), 20ms, [this] { read(); }};
};

TEST_F(TargetSetTest, WhatAFileNoLongerSaysCountsAfterTheGrace) {
  write(target({"ghcr.io", "quay.io"}));
  EXPECT_FALSE(set_.settled("t")) << "it may be torn from the start";
  EXPECT_EQ(set_.find("t")->on_logout, OnLogout::keep);
  ASSERT_TRUE(settles());
  EXPECT_EQ(set_.find("t")->on_logout, OnLogout::remove);
  write(target({"quay.io"}));
  EXPECT_FALSE(set_.settled("t"));
  EXPECT_EQ(set_.find("t")->registries, (std::vector<std::string>{"quay.io", "ghcr.io"}));
  ASSERT_TRUE(settles());
  EXPECT_EQ(set_.find("t")->registries, std::vector<std::string>{"quay.io"});
}

TEST_F(TargetSetTest, ATornFileDoesNotEndAPause) {
  Target paused = target({"ghcr.io"});
  paused.paused = true;
  write(paused);
  EXPECT_TRUE(set_.find("t")->paused) << "a pause counts at once";
  ASSERT_TRUE(settles());
  write(target({"ghcr.io"}));
  EXPECT_TRUE(set_.find("t")->paused);
  ASSERT_TRUE(settles());
  EXPECT_FALSE(set_.find("t")->paused);
  write(paused);
  write(target({"ghcr.io"}));
  set_.confirm("t");
  EXPECT_FALSE(set_.find("t")->paused) << "`regsync resume` says so";
}

TEST_F(TargetSetTest, ATornFileThatIsWrittenToItsEndLosesNothing) {
  write(target({"ghcr.io", "quay.io"}));
  ASSERT_TRUE(settles());
  write(target({"ghcr.io"}));
  write(target({"ghcr.io", "quay.io"}));
  EXPECT_EQ(set_.find("t")->registries.size(), 2U);
  ASSERT_TRUE(settles());
  EXPECT_EQ(set_.find("t")->registries.size(), 2U);
}

TEST_F(TargetSetTest, AFileThatNamesNoNamespacesAnyMoreMeansTheFormerOnesUntilItIsSettled) {
  auto whole = target({"ghcr.io"});
  whole.namespaces = {"team-*"};
  whole.exclude_namespaces = {"team-x"};
  whole.pin = true;
  write(whole);
  ASSERT_TRUE(settles());
  EXPECT_FALSE(set_.withholds("t"));
  write(target({"ghcr.io"}));
  EXPECT_EQ(set_.find("t")->namespaces, whole.namespaces);
  EXPECT_EQ(set_.find("t")->exclude_namespaces, whole.exclude_namespaces);
  EXPECT_TRUE(set_.find("t")->pin);
  EXPECT_TRUE(set_.withholds("t"));
  ASSERT_TRUE(settles());
  EXPECT_TRUE(set_.find("t")->namespaces.empty());
  EXPECT_TRUE(set_.find("t")->exclude_namespaces.empty());
  EXPECT_FALSE(set_.find("t")->pin);
  EXPECT_FALSE(set_.withholds("t"));
}

TEST_F(TargetSetTest, AFileThatCannotBeReadDoesNotSettle) {
  on_disk_["t"] = {target({"ghcr.io"}), Error(ErrorCode::invalid_input, "t.yaml:1: not YAML")};
  read();
  test::run_until(io_, [] { return false; }, 60ms);
  read();
  EXPECT_FALSE(set_.settled("t"));
}

TEST_F(TargetSetTest, TargetsForWhichTheEngineDoesNotActCountAsPaused) {
  TargetSet some(io_.get_executor(), 20ms, [] {}, std::set<std::string>{"t"});
  some.set({{"t", {target({"ghcr.io"}), std::nullopt}}, {"other", {target({"ghcr.io"}), std::nullopt}}});
  EXPECT_FALSE(some.find("t")->paused);
  EXPECT_TRUE(some.find("other")->paused);
  EXPECT_FALSE(some.acts_for("gone")) << "what it left is not deleted";
  EXPECT_TRUE(set_.acts_for("gone"));
}

TEST_F(TargetSetTest, ACommandOfThePersonCountsAtOnce) {
  write(target({"ghcr.io", "quay.io"}));
  write(target({"quay.io"}));
  set_.confirm("t");
  EXPECT_TRUE(set_.settled("t"));
  EXPECT_EQ(set_.find("t")->registries, std::vector<std::string>{"quay.io"});
}

}  // namespace
}  // namespace regsync
