#include "sync/config/yaml_edit.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

constexpr const char* file =
    "# of team a\n"
    "registries: [ghcr.io]   # the mirror \"#1\"\n"
    "contexts:\n"
    "  - dev   # for now\n"
    "\n"
    "# who\n"
    "namespaces:\n"
    "- team-a\n"
    "email: \"a # b\"\n";

TEST(YamlEdit, OneKeyChangesAndTheRestStays) {
  EXPECT_EQ(with_key(file, "contexts", "[dev, prod]"),
            "# of team a\nregistries: [ghcr.io]   # the mirror \"#1\"\ncontexts: [dev, prod]\n\n# who\nnamespaces:\n- "
            "team-a\nemail: \"a # b\"\n"
            "");
  EXPECT_EQ(with_key(file, "namespaces", std::nullopt),
            "# of team a\nregistries: [ghcr.io]   # the mirror \"#1\"\ncontexts:\n  - dev   # for now\n\n# who\nemail: "
            "\"a # b\"\n");
}

TEST(YamlEdit, ACommentBehindAValueOfOneLineStays) {
  EXPECT_EQ(with_key("pin: true  # see #12\n", "pin", "false"), "pin: false  # see #12\n");
  EXPECT_EQ(with_key("email: 'a # b'\n", "email", "c"), "email: c\n") << "a # in quotes is no comment";
}

TEST(YamlEdit, AKeyThatIsMissingIsAdded) {
  EXPECT_EQ(with_key("secret: a", "pin", "true"), "secret: a\npin: true\n");
  EXPECT_EQ(with_key("secretName: a\n", "secret", "b"), "secretName: a\nsecret: b\n") << "a longer key is another one";
  EXPECT_EQ(with_key("", "pin", std::nullopt), "");
  EXPECT_EQ(with_key("secret: a\n...  # the end\n", "pin", "true"), "secret: a\npin: true\n...  # the end\n");
}

TEST(YamlEdit, AKeyMayBeInQuotesAndHaveASpaceBehindIt) {
  EXPECT_EQ(with_key("\"pin\": true\n", "pin", "false"), "\"pin\": false\n");
  EXPECT_EQ(with_key("'pin': true\n", "pin", "false"), "'pin': false\n");
  EXPECT_EQ(with_key("pin : true # no\n", "pin", "false"), "pin : false # no\n");
  EXPECT_EQ(with_key("\"pinned\": true\n\"pin\n", "pin", std::nullopt), "\"pinned\": true\n\"pin\n");
}

TEST(YamlEdit, AValueGoesOnBehindBlankLinesAndComments) {
  EXPECT_EQ(with_key("namespaces:\n- a\n\n# of team b\n  # too\n- b\n\n# who\nemail: c\n", "namespaces", "[d]"),
            "namespaces: [d]\n\n# who\nemail: c\n");
  EXPECT_EQ(with_key("namespaces: [\n  a,\n\n  b\n]\nemail: c\n", "namespaces", std::nullopt), "email: c\n");
  EXPECT_EQ(with_key("contexts:  # mine\n  - dev\n", "contexts", "[prod]"), "contexts: [prod]  # mine\n");
}

TEST(YamlEdit, ItemsComeAndGoByWholeLines) {
  const std::string list = "pin: true\nnamespaces:  # all\n  # ann's\n  - a  # ann\n\n  - \"b\"\n# end\nsecret: s\n";
  EXPECT_EQ(with_items(list, "namespaces", {.before = {"a", "b"}, .after = {"a", "b", "c", "d"}}),
            "pin: true\nnamespaces:  # all\n  # ann's\n  - a  # ann\n\n  - \"b\"\n  - c\n  - d\n# end\nsecret: s\n");
  EXPECT_EQ(with_items(list, "namespaces", {.before = {"a", "b"}, .after = {"a", "c"}}),
            "pin: true\nnamespaces:  # all\n  # ann's\n  - a  # ann\n\n  - c\n# end\nsecret: s\n");
  EXPECT_EQ(with_items(list, "namespaces", {.before = {"a", "b"}, .after = {"b", "a"}}), std::nullopt) << "the order";
  EXPECT_EQ(with_items(list, "contexts", {.before = {"a"}, .after = {"b"}}), std::nullopt);
  EXPECT_EQ(with_items(list, "namespaces", {.before = {"a"}, .after = {"b"}}), std::nullopt) << "it has two";
  EXPECT_EQ(with_items("namespaces: [a]\n", "namespaces", {.before = {"a"}, .after = {"b"}}), std::nullopt);
}

TEST(YamlEdit, CommentsAndAnchorsAreTheOnesOutsideOfQuotes) {
  EXPECT_EQ(comments_of("# a\nemail: 'it''s # b'  # c\npin: a#b\nx: \"\\\" # d\" # e\ny: it's # f\n"),
            (std::vector<std::string>{"# a", "# c", "# e", "# f"}));
  EXPECT_TRUE(comments_of("").empty());
  EXPECT_TRUE(has_anchors("contexts: &all [dev]\n"));
  EXPECT_TRUE(has_anchors("contexts: [*all]\n"));
  EXPECT_FALSE(has_anchors("contexts: [prod-*, \"*\"]  # & *\n"));
}

}  // namespace
}  // namespace regsync
