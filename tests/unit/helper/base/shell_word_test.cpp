#include "helper/base/shell_word.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace regsync {
namespace {

TEST(ShellWord, WhatIsPlainStaysAsItIs) {
  EXPECT_EQ(shell_word("arn:aws:eks:eu-west-1:1:cluster/prod"), "arn:aws:eks:eu-west-1:1:cluster/prod");
  EXPECT_EQ(shell_word("jdoe@ghcr.io,a=b+1%"), "jdoe@ghcr.io,a=b+1%");
}

TEST(ShellWord, TheRestIsQuoted) {
  EXPECT_EQ(shell_word("$(reboot)"), "'$(reboot)'");
  EXPECT_EQ(shell_word("it's"), R"('it'\''s')");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("=ls"), "'=ls'") << "zsh looks for a command of that name";
}

TEST(ShellWord, AShellReadsExactlyTheValue) {
  const std::vector<std::string> values{"",          "plain", "it's", "'",     "''",    "$HOME",     "`reboot`",
                                        "$(reboot)", "a b",   "*",    "~",     "~root", "a;b",       "a&b",
                                        "a|b",       ">f",    "#c",   "\\",    "a\\'b", "!!",        "{a,b}",
                                        "-n",        "é",     "=ls",  "[a-z]", "\"q\"", "tab\there", "two\nlines"};
  std::string command = "printf '%s\\0'";
  std::string expected;
  for (const std::string& value : values) {
    command += " " + shell_word(value);
    expected += value + '\0';
  }
  const test::TempDir home;
  const test::Outcome said = test::run_program({.argv = {"sh", "-c", command}, .env = test::sandbox(home), .in = {}});
  EXPECT_EQ(said.out, expected);
  EXPECT_EQ(said.err, "");
}

}  // namespace
}  // namespace regsync
