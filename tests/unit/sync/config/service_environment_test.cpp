#include "sync/config/service_environment.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

TEST(ServiceEnvironment, AVariableIsAddedReplacedAndTakenOut) {
  const std::string one = changed_environment("", {{"KUBECONFIG", "/a:/b"}});
  EXPECT_EQ(one, "KUBECONFIG=\"/a:/b\"\n");
  const std::string two = changed_environment(one, {{"PATH", "/usr/bin"}, {"KUBECONFIG", "/c"}});
  EXPECT_EQ(two, "KUBECONFIG=\"/c\"\nPATH=\"/usr/bin\"\n");
  EXPECT_EQ(changed_environment(two, {{"KUBECONFIG", std::nullopt}}), "PATH=\"/usr/bin\"\n");
}

TEST(ServiceEnvironment, WhatThePersonWroteStays) {
  const std::string text = "# for aws\nAWS_PROFILE=dev\n\n; old\n KUBECONFIG = /x\nKUBECONFIG=/y";
  EXPECT_EQ(changed_environment(text, {{"KUBECONFIG", "/z"}}),
            "# for aws\nAWS_PROFILE=dev\n\n; old\nKUBECONFIG=\"/z\"\n");
}

TEST(ServiceEnvironment, ValuesAreQuotedAsSystemdReadsThem) {
  EXPECT_EQ(changed_environment("", {{"A", R"(a "b" \ $c `d` #e)"}}), "A=\"a \\\"b\\\" \\\\ \\$c \\`d\\` #e\"\n");
}

TEST(ServiceEnvironment, WhatWouldBreakTheFileIsRefused) {
  EXPECT_THROW(changed_environment("", {{"A", "x\nB=y"}}), Error);
  EXPECT_THROW(changed_environment("", {{"A=B", "x"}}), Error);
  EXPECT_THROW(changed_environment("", {{"", "x"}}), Error);
  EXPECT_THROW(changed_environment("", {{"1A", "x"}}), Error);
}

TEST(ServiceEnvironment, TheFileIsItsOwnersAlone) {
  const test::TempDir temp;
  const auto file = temp / "regsync" / "environment";
  change_service_environment(file, {{"PATH", "/usr/bin"}});
  EXPECT_EQ(test::read_file(file), "PATH=\"/usr/bin\"\n");
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace regsync
