#include "sync/engine/paused_contexts.hpp"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

class PausedContextsTest : public testing::Test {
 protected:
  test::TempDir dir_;
  std::filesystem::path file_ = dir_ / "paused.json";
};

TEST_F(PausedContextsTest, RemembersAcrossRestartsUntilAContextIsResumed) {
  PausedContexts paused(file_);
  EXPECT_FALSE(paused.contains("prod"));
  EXPECT_TRUE(paused.set("prod", true));
  EXPECT_FALSE(paused.set("prod", true)) << "it is paused already";
  EXPECT_TRUE(PausedContexts(file_).contains("prod"));
  EXPECT_FALSE(PausedContexts(file_).contains("dev"));
  EXPECT_TRUE(paused.set("prod", false));
  EXPECT_FALSE(paused.set("dev", false));
  EXPECT_TRUE(PausedContexts(file_).names().empty());
}

TEST_F(PausedContextsTest, WhatCouldNotBeReadAgainIsNotWritten) {
  PausedContexts paused(file_);
  EXPECT_TRUE(paused.set("prod", true));
  EXPECT_THROW(paused.set(std::string(1'100'000, 'x'), true), Error);
  EXPECT_EQ(paused.names(), std::set<std::string>{"prod"});
  EXPECT_TRUE(paused.set("dev", true));
  const PausedContexts again(file_);
  EXPECT_FALSE(again.problem());
  EXPECT_EQ(again.names(), (std::set<std::string>{"dev", "prod"}));
}

TEST_F(PausedContextsTest, AFileThatCannotBeReadPausesEverything) {
  for (const char* text : {"", "{", "[]", R"({"contexts": "prod"})", R"({"contexts": [1]})"}) {
    dir_.write("paused.json", text);
    PausedContexts paused(file_);
    EXPECT_TRUE(paused.contains("any")) << text;
    ASSERT_TRUE(paused.problem()) << text;
    EXPECT_NE(paused.problem()->remedy().find(file_.string()), std::string::npos);
    EXPECT_THROW(paused.set("prod", true), Error) << "it would forget what the file named";
  }
}

}  // namespace
}  // namespace regsync
