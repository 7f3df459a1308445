#include "sync/cli/ask/prompt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/model/docker_config_json.hpp"
#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

using test::FakeConsole;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::size_t> chosen(const std::string& typed) {
  FakeConsole console(typed);
  return choose(console.console(), "Which?", {"a", "b", "c"});
}

TEST(Prompt, AChoiceIsANumberAListARangeOrAll) {
  EXPECT_THAT(chosen("2\n"), ElementsAre(1));
  EXPECT_THAT(chosen("3,1\n"), ElementsAre(0, 2)) << "in the order of the list";
  EXPECT_THAT(chosen("1, 3\n"), ElementsAre(0, 2));
  EXPECT_THAT(chosen("2-3,2\n"), ElementsAre(1, 2));
  EXPECT_THAT(chosen("all\n"), ElementsAre(0, 1, 2));
  EXPECT_THAT(chosen("2"), ElementsAre(1)) << "the last line may have no end";
}

TEST(Prompt, AnAnswerThatMakesNoSenseIsAskedForAgain) {
  for (const char* typed :
       {"", " ", ",", "0", "4", "x", "1x", "-1", "1-", "3-1", "1-4", "1,x", "+1", "all,1", "18446744073709551617"}) {
    FakeConsole console(std::string(typed) + "\n2\n");
    EXPECT_THAT(choose(console.console(), "Which?", {"a", "b", "c"}), ElementsAre(1)) << typed;
    EXPECT_THAT(console.err(), HasSubstr("Answer with numbers of the list")) << typed;
  }
}

TEST(Prompt, WithoutAnAnswerNothingIsChosen) {
  EXPECT_THROW(chosen(""), UsageError);
  EXPECT_THROW(chosen("x\n"), UsageError);
  FakeConsole console;
  EXPECT_THROW(ask_line(console.console(), "User"), UsageError);
  EXPECT_THROW(ask_password(console.console(), "Password"), UsageError);
}

TEST(Prompt, TheListIsNumberedAndMovesNoCursor) {
  FakeConsole console("1\n");
  choose(console.console(), "Which?", {"ghcr.io", "evil\x1b[2J\nline"});
  EXPECT_THAT(console.err(), HasSubstr("  1) ghcr.io\n  2) evil"));
  EXPECT_THAT(console.err(), HasSubstr("Which? [1-2, all]: "));
  EXPECT_THAT(console.err(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(console.out(), "") << "a program may read it";
}

TEST(Prompt, OnlyAYesIsConsent) {
  for (const auto& [typed, yes] : std::map<std::string, bool>{{"y\n", true},
                                                              {"Y\n", true},
                                                              {"yes\n", true},
                                                              {"n\n", false},
                                                              {"\n", false},
                                                              {"", false},
                                                              {"yesterday\n", false},
                                                              {" y\n", false},
                                                              {"no\ny\n", false}}) {
    FakeConsole console(typed);
    EXPECT_EQ(confirm(console.console(), "Delete?"), yes) << typed;
    EXPECT_EQ(console.err(), "Delete? [y/N]: ");
  }
}

TEST(Prompt, APasswordIsALineAndIsNotShown) {
  FakeConsole console(" two words \nnext\n");
  EXPECT_EQ(ask_password(console.console(), "Password").reveal(), " two words ");
  EXPECT_EQ(console.err(), "Password: \n");
  EXPECT_EQ(ask_line(console.console(), "User"), "next");
}

TEST(Prompt, AnotherProgramsPasswordEndsBeforeItsLineEnd) {
  for (const auto& [given, password] : std::map<std::string, std::string>{{"", ""},
                                                                          {"p", "p"},
                                                                          {"p\n", "p"},
                                                                          {"p\r\n", "p"},
                                                                          {"p\n\n", "p\n"},
                                                                          {"two\nlines\n", "two\nlines"},
                                                                          {std::string("p\0q\n", 4), {"p\0q", 3}}}) {
    std::istringstream in(given);
    EXPECT_EQ(read_password(in).reveal(), password);
  }
}

TEST(Prompt, AnotherProgramsPasswordHasAnEnd) {
  std::istringstream longest(std::string(max_login_bytes, 'x'));
  EXPECT_EQ(read_password(longest).size(), max_login_bytes);
  std::istringstream endless(std::string(3 * max_login_bytes, '\0'));
  EXPECT_THROW(read_password(endless), UsageError);
  EXPECT_LT(endless.tellg(), static_cast<std::streamoff>(2 * max_login_bytes)) << "the rest stays unread";
}

// A person in front of a terminal would wait for a question that went into a file.
TEST(Prompt, AQuestionThatNobodySeesIsAnError) {
  FakeConsole console("y\nall\nhunter2\n");
  console.be_terminal();
  console.console().err_is_terminal = false;
  EXPECT_THROW(confirm(console.console(), "Delete?"), UsageError);
  EXPECT_THROW(choose(console.console(), "Which?", {"a", "b"}), UsageError);
  EXPECT_THROW(ask_line(console.console(), "User"), UsageError);
  EXPECT_THROW(ask_password(console.console(), "Password"), UsageError);
}

}  // namespace
}  // namespace regsync::cli
