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

TEST(KnownLogins, AHelperThatIsSilentIsAProblemOfItsRegistry) {
  const test::TempDir home;
  ::setenv("HOME", home.path().c_str(), 1);
  ::setenv("XDG_CONFIG_HOME", (home / "config").c_str(), 1);
  ::setenv("XDG_STATE_HOME", (home / "state").c_str(), 1);
  ::setenv("DOCKER_CONFIG", (home / "docker").c_str(), 1);
  home.write("docker/config.json", R"({"credHelpers":{"ghcr.io":"hang"}})");
  const auto helper = home.write("bin/docker-credential-hang", "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(helper, std::filesystem::perms(0755));
  ::setenv("PATH", ((home / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
  test::FakeConsole console;
  Target target;
  target.name = "web";
  target.registries = {"ghcr.io", "quay.io"};
  const KnownLogins known = read_logins(console.console(), {target}, Prompt::never, std::chrono::milliseconds(1200));
  const RegistryKey ghcr("ghcr.io");
  ASSERT_TRUE(known.problems.contains(ghcr));
  EXPECT_FALSE(known.problems.contains(RegistryKey("quay.io")));
  const Error& problem = known.problems.at(ghcr);
  EXPECT_EQ(problem.code(), ErrorCode::credential_plugin);
  EXPECT_THAT(problem.message(), HasSubstr("docker-credential-hang has not answered within 1 s"));
  EXPECT_EQ(problem.remedy(), "try it: echo ghcr.io | docker-credential-hang get");
}

TEST(KnownLogins, WhateverKeepsTheKeyringFromBeingReadIsAProblem) {
  const test::TempDir home;
  ::setenv("HOME", home.path().c_str(), 1);
  ::setenv("XDG_CONFIG_HOME", (home / "config").c_str(), 1);
  ::setenv("XDG_STATE_HOME", (home / "state").c_str(), 1);
  ::setenv("DOCKER_CONFIG", (home / "docker").c_str(), 1);
  test::FakeConsole console;
  console.console().open_store = [](Prompt) -> std::unique_ptr<CredentialStore> {
    throw std::runtime_error("no memory is left");
  };
  Target target;
  target.name = "web";
  target.registries = {"quay.io"};
  const KnownLogins known = read_logins(console.console(), {target}, Prompt::never);
  ASSERT_TRUE(known.store_problem);
  EXPECT_EQ(known.store_problem->code(), ErrorCode::internal);
}

}  // namespace
}  // namespace regsync::cli
