#include "helper/base/text.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(Trim, TakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Utf8, RefusesWhatRfc3629Refuses) {
  EXPECT_TRUE(is_utf8("é€😀"));
  for (const char* bad : {"\xff", "\xe9", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(Presentable, IsOneLineThatCannotMoveTheCursor) {
  EXPECT_EQ(one_line(std::string(2000, 'x') + "\n"), std::string(2000, 'x'));
  EXPECT_EQ(presentable("a\r\n\tb\x1b[31mc"), "a b [31mc");
  EXPECT_EQ(presentable("a\xc2\x9b"
                        "b"),
            "a b");                                          // C1
  const std::string override_right{'\xe2', '\x80', '\xae'};  // U+202E
  const std::string isolate{'\xe2', '\x81', '\xa6'};         // U+2066
  EXPECT_EQ(presentable("a" + override_right + "b" + isolate + "c"), "a b c");
  EXPECT_EQ(presentable("  a  "), "  a");
}

TEST(InQuotes, IsPresentable) { EXPECT_EQ(in_quotes("a\nb"), R"("a b")"); }

TEST(Presentable, IsUtf8WhateverComes) {
  EXPECT_EQ(presentable("caf\xe9"), "caf\uFFFD");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
  }
  EXPECT_TRUE(is_utf8(presentable(all)));
}

TEST(PrefixOf, EndsAtACharacter) {
  EXPECT_EQ(prefix_of("aé", 3), "aé");
  EXPECT_EQ(prefix_of("aé", 2), "a");
  EXPECT_EQ(prefix_of("é", 1), "");
  EXPECT_EQ(prefix_of("\x80\x80\x80", 2), "") << "no UTF-8 at all";
  EXPECT_EQ(prefix_of("", 2), "");
}

TEST(Presentable, EndsAfter600BytesAtACharacter) {
  std::string text;
  for (int i = 0; i < 400; ++i) {
    text += "é";
  }
  const std::string shown = presentable(text);
  EXPECT_LE(shown.size(), 603U);
  EXPECT_TRUE(is_utf8(shown));
  EXPECT_TRUE(shown.ends_with("é…"));
}

TEST(Presentable, DropsTheRequestThatADecoderEchoes) {
  EXPECT_EQ(presentable("bad, error found in #10 byte of ...|secret"), "bad");
}

}  // namespace
}  // namespace regsync
