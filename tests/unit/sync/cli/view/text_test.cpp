#include "sync/cli/view/text.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <vector>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {
namespace {

using namespace std::chrono_literals;

class Text : public testing::Test {
 protected:
  void SetUp() override { (void)std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(Text, WidthsAreThoseOfTheTerminal) {
  EXPECT_EQ(display_width(""), 0);
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("Zürich"), 6);
  EXPECT_EQ(display_width("日本"), 4);       // wide
  EXPECT_EQ(display_width("e\xCC\x81"), 1);  // combining acute
  EXPECT_EQ(display_width("a\xFFz"), 3);     // no UTF-8: one replacement character
}

TEST_F(Text, ClippingCountsNoEscapesAndKeepsThem) {
  EXPECT_EQ(clip("abcdef", 3), "abc");
  EXPECT_EQ(clip("\x1b[31mabcdef\x1b[0m", 3), "\x1b[31mabc\x1b[0m");
  EXPECT_EQ(clip("日本", 3), "日");
  EXPECT_EQ(clip("abc", 80), "abc");
}

TEST_F(Text, ColoursOnlyWhereEnabled) {
  EXPECT_EQ(paint("x", Colour::red, false), "x");
  EXPECT_EQ(paint("x", Colour::red, true), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(paint("x", Colour::none, true), "x");
}

TEST_F(Text, AgesAreThoseOfKubectl) {
  EXPECT_EQ(human_age(-1s), "0s");
  EXPECT_EQ(human_age(119s), "119s");
  EXPECT_EQ(human_age(123s), "2m3s");
  EXPECT_EQ(human_age(120s), "2m");
  EXPECT_EQ(human_age(47min), "47m");
  EXPECT_EQ(human_age(3h + 5min), "3h5m");
  EXPECT_EQ(human_age(26h), "26h");
  EXPECT_EQ(human_age(24h * 3), "3d");
  EXPECT_EQ(human_age(24h * 30), "30d");
  EXPECT_EQ(human_age(24h * 800), "2y70d");
}

TEST_F(Text, DurationsAreGosOfTheCommonKind) {
  EXPECT_EQ(duration_of("30s", "--wait"), 30s);
  EXPECT_EQ(duration_of("1m30s", "--wait"), 90s);
  EXPECT_EQ(duration_of("500ms", "--wait"), 500ms);
  EXPECT_EQ(duration_of("2h", "--wait"), 2h);
  for (const char* bad : {"", "30", "s", "-3s", "3d", "3 s", "1.5s"}) {
    EXPECT_THROW(duration_of(bad, "--wait"), UsageError) << bad;
  }
}

TEST_F(Text, JoinNamesSomeAndCountsTheRest) {
  const std::vector<std::string> three = {"a", "b", "c"};
  EXPECT_EQ(join(three), "a, b, c");
  EXPECT_EQ(join(three, ", ", 2), "a, b and 1 more");
  EXPECT_EQ(join(std::vector<std::string>()), "");
  EXPECT_EQ(count_of(1, "Secret"), "1 Secret");
  EXPECT_EQ(count_of(0, "Secret"), "0 Secrets");
}

}  // namespace
}  // namespace regsync::cli
