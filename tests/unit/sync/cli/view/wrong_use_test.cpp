#include "sync/cli/view/wrong_use.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/base/user_manager.hpp"

namespace regsync::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class WrongUse : public testing::Test {
 protected:
  WrongUse() {
    app_.name("regsync");
    app_.require_subcommand(1);
    CLI::App* add = app_.add_subcommand("add", "");
    add->add_option("NAME", text_)->required();
    add->add_option("--registry", texts_)->take_all();
    add->add_option("--wait", text_)->expected(0, 1);
    add->add_flag("--yes", flag_);
    CLI::App* status = app_.add_subcommand("status", "")->alias("st");
    status->add_option("-o,--output", text_)->check(CLI::IsMember({"json", "yaml"}));
    status->add_option("--timeout", text_);
    status->add_option("-n,--namespace", text_);
    app_.add_subcommand("__hidden", "")->group("");
  }

  Words as_typed(Words words) const { return as_typed_for_kubectl(std::move(words), app_); }
  // "message; remedy".
  std::string explained(Words words) {
    std::ranges::reverse(words);
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      return describe(explain(error, app_));
    }
    return "taken";
  }

  CLI::App app_;
  std::string text_;
  std::vector<std::string> texts_;
  bool flag_ = false;
};

TEST_F(WrongUse, NothingAtAllIsHelp) {
  EXPECT_THAT(as_typed({}), ElementsAre("--help"));
  EXPECT_THAT(as_typed({"help"}), ElementsAre("--help"));
}

TEST_F(WrongUse, HelpStandsBeforeOrAfterACommand) {
  EXPECT_THAT(as_typed({"help", "add"}), ElementsAre("add", "--help"));
  EXPECT_THAT(as_typed({"add", "help"}), ElementsAre("add", "--help"));
  EXPECT_THAT(as_typed({"help", "nothing"}), ElementsAre("nothing")) << "which is then an unknown command";
  EXPECT_THAT(as_typed({"add", "help", "--yes"}), ElementsAre("add", "help", "--yes")) << "a target named help";
}

TEST_F(WrongUse, AnEqualsSignMayFollowAShortOption) {
  EXPECT_THAT(as_typed({"status", "-o=json"}), ElementsAre("status", "-ojson"));
  EXPECT_THAT(as_typed({"status", "-o=", "--output=json"}), ElementsAre("status", "-o=", "--output=json"));
  EXPECT_THAT(as_typed({"add", "--", "-o=json"}), ElementsAre("add", "--", "-o=json")) << "data and no option";
}

TEST_F(WrongUse, ATimeMayFollowWait) {
  EXPECT_THAT(as_typed({"add", "--wait", "5s", "web"}), ElementsAre("add", "--wait=5s", "web"));
  EXPECT_THAT(as_typed({"add", "--wait", "30"}), ElementsAre("add", "--wait=30")) << "which is then explained";
  EXPECT_THAT(as_typed({"add", "--wait", "web"}), ElementsAre("add", "--wait", "web"));
  EXPECT_THAT(as_typed({"add", "--wait"}), ElementsAre("add", "--wait"));
}

TEST_F(WrongUse, OptionsMayStandBeforeTheCommand) {
  EXPECT_THAT(as_typed({"-o", "json", "status"}), ElementsAre("status", "-o", "json"));
  EXPECT_THAT(as_typed({"-o=json", "st"}), ElementsAre("st", "-ojson"));
  EXPECT_THAT(as_typed({"--version"}), ElementsAre("--version"));
  EXPECT_THAT(as_typed({"add", "status"}), ElementsAre("add", "status")) << "a target named status";
  EXPECT_THAT(as_typed({"--yes", "add", "status"}), ElementsAre("add", "--yes", "status")) << "--yes takes no value";
}

TEST_F(WrongUse, AValueBeforeTheCommandMayBeNamedAsACommand) {
  EXPECT_THAT(as_typed({"-n", "add", "status"}), ElementsAre("status", "-n", "add"));
  EXPECT_THAT(as_typed({"--namespace", "status", "st"}), ElementsAre("st", "--namespace", "status"));
  EXPECT_THAT(as_typed({"-o", "json", "-n", "add", "status", "add"}),
              ElementsAre("status", "-o", "json", "-n", "add", "add"));
  EXPECT_THAT(as_typed({"--namespace=add", "status", "add"}), ElementsAre("status", "--namespace=add", "add"));
}

TEST_F(WrongUse, AValueThatLooksLikeAnOptionIsLeftAsItIs) {
  const Words words = {"add",  "web",        "--registry", "-a=b1c2",    "--registry",
                       "--x=", "--registry", "--",         "--registry", "--wait"};
  EXPECT_EQ(as_typed(words), words);
  EXPECT_THAT(as_typed({"--output", "-o=x", "status"}), ElementsAre("status", "--output", "-o=x"));
  EXPECT_THAT(as_typed({"status", "-o", "-o=x", "-o=json"}), ElementsAre("status", "-o", "-o=x", "-ojson"));
  EXPECT_THAT(as_typed({"status", "-ho", "-o=x"}), ElementsAre("status", "-ho", "-o=x")) << "two options in one word";
  EXPECT_THROW(as_typed({"add", "--registry=x", "--registry="}), UsageError);
}

TEST_F(WrongUse, OnlyCommandsThatHelpShowsAreOffered) {
  EXPECT_THAT(visible_commands(app_), ElementsAre("add", "status"));
  EXPECT_EQ(given_command(&app_), &app_);
}

TEST_F(WrongUse, AnUnknownCommandGetsTheNearest) {
  EXPECT_EQ(explained({"statsu"}), "unknown command \"statsu\"; did you mean \"regsync status\"? see: regsync --help");
  EXPECT_THAT(explained({"create", "secret"}), HasSubstr("did you mean \"regsync add\"?"));
  EXPECT_EQ(explained({"zzzzzz"}), "unknown command \"zzzzzz\"; see: regsync --help");
  EXPECT_EQ(explained({}), "no command given; see: regsync --help");
}

TEST_F(WrongUse, WhatIsDoneToRegsyncdIsSaidForThisMachine) {
  EXPECT_EQ(explained({"start"}), "unknown command \"start\"; " + how_to_start_regsyncd() + "; see: regsync --help");
  EXPECT_EQ(explained({"stop"}), "unknown command \"stop\"; " + how_to_stop_regsyncd() + "; see: regsync --help");
  EXPECT_EQ(explained({"restart"}),
            "unknown command \"restart\"; " + how_to_restart_regsyncd() + "; see: regsync --help");
}

TEST_F(WrongUse, AnUnknownOptionGetsTheNearest) {
  EXPECT_EQ(explained({"add", "web", "--registy", "ghcr.io"}),
            "unknown option --registy; did you mean --registry? see: regsync add --help");
  EXPECT_THAT(explained({"add", "web", "--force"}), HasSubstr("see --yes; see: regsync add --help"));
  EXPECT_THAT(explained({"add", "web", "--timeout", "5s"}), HasSubstr("use --wait=DURATION"));
  EXPECT_THAT(explained({"status", "--wait"}), HasSubstr("at most --timeout DURATION"));
  EXPECT_THAT(explained({"status", "-x"}), HasSubstr("unknown option -x"));
  EXPECT_THAT(explained({"-o", "json", "status"}), HasSubstr("-o is given before the command"));
}

TEST_F(WrongUse, AWordThatNothingTakesIsExplained) {
  EXPECT_THAT(explained({"add", "web", "ghcr.io"}), HasSubstr("did you mean --registry ghcr.io?"));
  EXPECT_THAT(explained({"add", "web", "other"}), HasSubstr("it takes one name at a time"));
  EXPECT_THAT(explained({"add", "web", "x.$(reboot)"}), HasSubstr("--registry 'x.$(reboot)'"));
}

TEST_F(WrongUse, AMissingOrWrongValueIsExplained) {
  EXPECT_THAT(explained({"add"}), HasSubstr("write: regsync add NAME; see: regsync add --help"));
  EXPECT_THAT(explained({"status", "--timeout"}), HasSubstr("--timeout needs a value"));
  EXPECT_THAT(explained({"status", "-o", "xml"}), HasSubstr("--output: unsupported value \"xml\"; use json or yaml"));
}

}  // namespace
}  // namespace regsync::cli
