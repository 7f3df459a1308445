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
}

}  // namespace
}  // namespace regsync
