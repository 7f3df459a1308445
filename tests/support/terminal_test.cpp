#include "tests/support/terminal.hpp"

#include <gtest/gtest.h>

#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

Program shell(const std::string& script) { return {.argv = {"sh", "-c", script}, .env = own_environment(), .in = {}}; }

TEST(Terminal, IsTheProgramsInOutErrAndItsControllingTerminal) {
  Terminal terminal(shell("test -t 0 && test -t 1 && test -t 2 && echo all three; stty size </dev/tty"), {10, 60});
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_EQ(terminal.screen(), "all three\n10 60");
}

TEST(Terminal, WhatIsTypedIsEchoedAndRead) {
  Terminal terminal(shell("read line; echo \"got $line\"; exit 3"));
  terminal.type("hello\n");
  EXPECT_EQ(terminal.wait(), 3);
  EXPECT_EQ(terminal.screen(), "hello\ngot hello");
}

TEST(Terminal, ControlCInterrupts) {
  Terminal terminal(shell("trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.05; done"));
  ASSERT_TRUE(terminal.comes_to_show("ready"));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 7);
}

TEST(Terminal, LinesAreRedrawnErasedAndScrolled) {
  Terminal redrawn(shell(R"(printf 'a long line\r\033[Kshort\n\033[31mred\033[0m')"));
  EXPECT_EQ(redrawn.wait(), 0);
  EXPECT_EQ(redrawn.screen(), "short\nred");
  EXPECT_NE(redrawn.bytes().find("\x1b[31m"), std::string::npos);

  Terminal scrolled(shell("seq 5"), {3, 20});
  EXPECT_EQ(scrolled.wait(), 0);
  EXPECT_EQ(scrolled.screen(), "4\n5");
}

TEST(Terminal, TheAlternateScreenGivesBackWhatItCovered) {
  Terminal terminal(shell(R"(printf 'before\n\033[?1049h\033[?25l\033[Hinside\033[J'; read line
                             printf '\033[?25h\033[?1049l'; printf 'after')"));
  ASSERT_TRUE(terminal.becomes(testing::Eq("inside")));
  EXPECT_TRUE(terminal.on_alternate_screen());
  terminal.type("\n");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_FALSE(terminal.on_alternate_screen());
  EXPECT_EQ(terminal.screen(), "before\nafter");
}

TEST(Terminal, AFrameShowsWhenAllOfItHasCome) {
  Terminal terminal(shell(R"(stty -echo; printf '\033[?1049h\033[Hfirst\033[K\r\nframe\033[J'; read line
                             printf '\033[Hsecond\033[K\r\n'; read line
                             printf 'picture\033[J'; read line)"));
  ASSERT_TRUE(terminal.becomes(testing::Eq("first\nframe")));
  terminal.type("\n");
  ASSERT_TRUE(wait_until([&] { return terminal.bytes().find("second") != std::string::npos; }));
  EXPECT_EQ(terminal.screen(), "first\nframe");
  terminal.type("\n");
  EXPECT_TRUE(terminal.becomes(testing::Eq("second\npicture")));
}

}  // namespace
}  // namespace regsync::test
