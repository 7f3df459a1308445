#include "sync/cli/ask/known_logins.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

using testing::HasSubstr;

class KnownLoginsTest : public testing::Test {
 protected:
  KnownLoginsTest() {
    ::setenv("HOME", home_.path().c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", (home_ / "config").c_str(), 1);
    ::setenv("XDG_STATE_HOME", (home_ / "state").c_str(), 1);
    ::setenv("DOCKER_CONFIG", (home_ / "docker").c_str(), 1);
  }

  test::TempDir home_;
  test::FakeConsole console_;
};

TEST_F(KnownLoginsTest, AHelperThatIsSilentIsAProblemOfItsRegistry) {
  home_.write("docker/config.json", R"({"credHelpers":{"ghcr.io":"hang"}})");
  const auto helper = home_.write("bin/docker-credential-hang", "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(helper, std::filesystem::perms(0755));
  ::setenv("PATH", ((home_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
  Target target;
  target.name = "web";
  target.registries = {"ghcr.io", "quay.io"};
  const KnownLogins known = read_logins(console_.console(), {target}, Prompt::never, std::chrono::milliseconds(1200));
  const RegistryKey ghcr("ghcr.io");
  ASSERT_TRUE(known.problems.contains(ghcr));
  EXPECT_FALSE(known.problems.contains(RegistryKey("quay.io")));
  const Error& problem = known.problems.at(ghcr);
  EXPECT_EQ(problem.code(), ErrorCode::credential_plugin);
  EXPECT_THAT(problem.message(), HasSubstr("docker-credential-hang has not answered within 1 s"));
  EXPECT_EQ(problem.remedy(), "try it: echo ghcr.io | docker-credential-hang get");
}

TEST_F(KnownLoginsTest, WhateverKeepsTheKeyringFromBeingReadIsAProblem) {
  console_.console().open_store = [](Prompt) -> std::unique_ptr<CredentialStore> {
    throw std::runtime_error("no memory is left");
  };
  Target target;
  target.name = "web";
  target.registries = {"quay.io"};
  const KnownLogins known = read_logins(console_.console(), {target}, Prompt::never);
  ASSERT_TRUE(known.store_problem);
  EXPECT_EQ(known.store_problem->code(), ErrorCode::internal);
}

}  // namespace
}  // namespace regsync::cli
