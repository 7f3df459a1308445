#include "sync/cli/view/quote.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regsync::cli {
namespace {

TEST(Quote, ATerminalSeesNoControlCharacters) {
  EXPECT_EQ(printable("a\x1b[31mb\a"), "a?[31mb?");
  EXPECT_EQ(printable("two\nlines"), "two\nlines");
  EXPECT_EQ(printable("c1 \xC2\x9B"
                      "31m"),
            "c1 ?31m");
  EXPECT_EQ(printable("Zürich"), "Zürich");
  EXPECT_EQ(printable_line("alice\n---\nkind: ClusterRoleBinding"), "alice --- kind: ClusterRoleBinding");
}

// YAML 1.1 ends a line, and so a comment, at more than \n; and some marks change the order of what is read.
TEST(Quote, OneLineHasNoLineBreakOfYaml) {
  const std::string override_right{'\xe2', '\x80', '\xae'};  // U+202E
  const std::string isolate_left{'\xe2', '\x81', '\xa6'};    // U+2066
  for (const std::string& mark : {std::string("\u0085"), std::string("\u2028"), std::string("\u2029"), override_right,
                                  isolate_left, std::string("\r"), std::string("\x7f"), std::string("\xff")}) {
    EXPECT_EQ(printable_line("a" + mark + "---"), "a?---");
    EXPECT_EQ(printable("a" + mark + "---"), "a?---");
    EXPECT_FALSE(is_candidate("a" + mark));
  }
  EXPECT_EQ(printable_line("a\u00a0\u2026\U0001F600"), "a\u00a0\u2026\U0001F600");
}

TEST(Quote, AFileNameStaysInItsFolder) {
  EXPECT_EQ(file_name("team-a"), "team-a");
  EXPECT_EQ(file_name("team/../../etc"), "team%2F..%2F..%2Fetc");
  EXPECT_EQ(file_name(".."), "%2E%2E");
  EXPECT_EQ(file_name("."), "%2E");
}

TEST(Quote, ACandidateIsOneLine) {
  EXPECT_TRUE(is_candidate("$(reboot)"));  // the scripts quote it
  EXPECT_FALSE(is_candidate("a\nb"));
  EXPECT_FALSE(is_candidate("a\x1b[2J"));
}

}  // namespace
}  // namespace regsync::cli
