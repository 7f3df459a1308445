// Over a command of the test's own. What the commands of regsync offer is in cli_test.cpp.
#include "sync/cli/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

class Completion : public testing::Test {
 protected:
  Completion() {
    CLI::App* fetch = app_.add_subcommand("fetch", "Fetch it");
    fetch->add_option("--mode", mode_, "How")->type_name("fast|slow");
    fetch->add_option("--file", mode_, "From where")->type_name("FILE");
    fetch->add_option("--registry", mode_, "Whence");
    fetch->add_flag("--all", all_, "All of it");
    fetch->add_option("SHELL", shell_)->type_name("bash|zsh");
    fetch->add_option("LEVEL", level_)->type_name("low|high");
    app_.add_subcommand("internal", "Not for people")->group("");
  }

  std::vector<std::string> values(Words words) { return complete(app_, std::move(words), console_.console()).values; }

  test::FakeConsole console_;
  CLI::App app_;
  bool all_ = false;
  std::string mode_;
  std::string shell_;
  std::string level_;
};

TEST_F(Completion, OffersTheCommandsThatAreForPeople) {
  EXPECT_THAT(values({}), ElementsAre("fetch\tFetch it"));
  EXPECT_THAT(values({"f"}), ElementsAre("fetch\tFetch it"));
  EXPECT_THAT(values({"i"}), IsEmpty());
}

TEST_F(Completion, OffersTheOptionsOfTheCommand) {
  EXPECT_THAT(values({"fetch", "--m"}), ElementsAre("--mode\tHow"));
  EXPECT_THAT(values({"fetch", "bash", "--al"}), ElementsAre("--all\tAll of it"));
}

TEST_F(Completion, OffersTheValuesOfTheOptionThatAwaitsOne) {
  EXPECT_THAT(values({"fetch", "--mode", ""}), ElementsAre("fast", "slow"));
  EXPECT_THAT(values({"fetch", "bash", "--mode", "s"}), ElementsAre("slow"));
  const Candidates files = complete(app_, {"fetch", "--file", ""}, console_.console());
  EXPECT_TRUE(files.files);
  EXPECT_THAT(files.values, IsEmpty());
}

TEST_F(Completion, AValueBehindAnEqualsSignKeepsItsOption) {
  EXPECT_THAT(values({"fetch", "--mode="}), ElementsAre("--mode=fast", "--mode=slow"));
  EXPECT_THAT(values({"fetch", "--mode=s"}), ElementsAre("--mode=slow"));
  EXPECT_THAT(values({"fetch", "--none="}), IsEmpty());
}

TEST_F(Completion, CountsTheArgumentsThatAreNoOptions) {
  EXPECT_THAT(values({"fetch", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(values({"fetch", "--all", ""}), ElementsAre("bash", "zsh")) << "a flag awaits no value";
  EXPECT_THAT(values({"fetch", "bash", ""}), ElementsAre("low", "high"));
  EXPECT_THAT(values({"fetch", "--mode", "fast", "bash", ""}), ElementsAre("low", "high"));
  EXPECT_THAT(values({"fetch", "--mode=fast", "bash", "h"}), ElementsAre("high"));
  EXPECT_THAT(values({"fetch", "bash", "low", ""}), IsEmpty());
}

// kubectl puts its own options there.
TEST_F(Completion, OptionsMayStandBeforeTheCommand) {
  EXPECT_THAT(values({"--mode", "fast", "fetch", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(values({"--mode=fast", "fetch", "bash", ""}), ElementsAre("low", "high"));
}

TEST_F(Completion, OffersNothingThatCouldNotBeTyped) {
  console_.store().store({{"ghcr.io", "me"}, SecretString("x")});
  console_.store().store({{"quay.io", "two\nlines"}, SecretString("x")});
  console_.store().store({{"evil.io\x1b[2J", "me"}, SecretString("x")});
  EXPECT_THAT(values({"fetch", "--registry", ""}), testing::UnorderedElementsAre("ghcr.io\tme", "quay.io\ttwo lines"));
}

TEST_F(Completion, WhatCannotBeAskedAddsNothing) {
  console_.console().open_briefly = [](std::chrono::milliseconds) -> std::shared_ptr<CredentialStore> {
    throw Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  };
  EXPECT_THAT(values({"fetch", "--registry", ""}), IsEmpty());
}

}  // namespace
}  // namespace regsync::cli
