#include "sync/logins/other_helpers.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sync/logins/docker_config_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

TEST(OtherHelpers, ARegistryComesBeforePatternsAndTheLongestPatternCounts) {
  const HelperNames helpers{{"*.amazonaws.com", "any"},
                            {"*.dkr.ecr.*.amazonaws.com", "ecr-login"},
                            {"https://1.dkr.ecr.eu-west-1.amazonaws.com", "mine"},
                            {"*.pkg.dev", "gcloud"},
                            {"kept.pkg.dev", "regsync"}};
  const auto ask = [&](const char* registry) {
    const auto found = helper_for(helpers, RegistryKey(registry));
    return found ? found->name + " " + found->server : "";
  };
  EXPECT_EQ(ask("1.dkr.ecr.eu-west-1.amazonaws.com"), "mine https://1.dkr.ecr.eu-west-1.amazonaws.com");
  EXPECT_EQ(ask("2.dkr.ecr.eu-west-1.amazonaws.com"), "ecr-login 2.dkr.ecr.eu-west-1.amazonaws.com");
  EXPECT_EQ(ask("s3.amazonaws.com"), "any s3.amazonaws.com");
  EXPECT_EQ(ask("europe.pkg.dev"), "gcloud europe.pkg.dev");
  EXPECT_EQ(ask("kept.pkg.dev"), "") << "the keyring";
  EXPECT_EQ(ask("europe.pkg.dev/team"), "") << "a login is that of the host";
  EXPECT_EQ(ask("ghcr.io"), "");
}

// Docker's own helper has the same items as ours. Read as a file of logins, without a keyring, it is one as all others.
TEST(OtherHelpers, OneThatKeepsLoginsInTheKeyringMeansTheKeyring) {
  const test::TempDir dir;
  const auto file = dir.write(
      "config.json", R"({"credHelpers":{"a.example":"secretservice","b.example":"regsync","c.example":"ecr-login"}})");
  ::setenv("DOCKER_CONFIG", dir.path().c_str(), 1);
  Settings settings;
  settings.cred_helpers = {{"c.example", "secretservice"}, {"d.example", "gcloud"}};
  EXPECT_EQ(other_helpers(settings), (HelperNames{{"c.example", "regsync"}, {"d.example", "gcloud"}}));
  EXPECT_EQ(DockerConfigFile(file).foreign_helpers(),
            (HelperNames{{"a.example", "secretservice"}, {"c.example", "ecr-login"}}));
}

TEST(OtherHelpers, AnEntryIsForOneAccountOrForNone) {
  const HelperNames helpers{{"*", "any"},
                            {"work@*.pkg.dev", "gcloud-work"},
                            {"https://home@eu.pkg.dev", "gcloud-home"},
                            {"*@quay.io", "all"}};
  const auto ask = [&](const char* registry) {
    const auto found = helper_for(helpers, RegistryKey(registry));
    return found ? found->name + " " + found->server : "";
  };
  EXPECT_EQ(ask("eu.pkg.dev"), "any eu.pkg.dev");
  EXPECT_EQ(ask("work@eu.pkg.dev"), "gcloud-work eu.pkg.dev") << "no helper knows the account";
  EXPECT_EQ(ask("home@eu.pkg.dev"), "gcloud-home eu.pkg.dev");
  EXPECT_EQ(ask("other@eu.pkg.dev"), "") << "the keyring";
  EXPECT_EQ(ask("quay.io"), "any quay.io") << "accounts are named one by one";
}

}  // namespace
}  // namespace regsync
