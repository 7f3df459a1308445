#include "sync/model/login_keeper.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

const RegistryKey ghcr("ghcr.io");
const RegistryKey work("work@ghcr.io");

TEST(HowToRenew, ALoginOfTheKeyringByALogin) {
  EXPECT_EQ(how_to_renew(ghcr, {}), "log in again: docker login ghcr.io");
  EXPECT_EQ(how_to_renew(work, {}), "log in again: regsync login --account work ghcr.io");
}

TEST(HowToRenew, ALoginOfAFileInThatFile) {
  EXPECT_EQ(how_to_renew(ghcr, {.file = "/my logins"}), "write it anew: podman login --authfile '/my logins' ghcr.io");
  EXPECT_EQ(how_to_renew(work, {.file = "/a.json"}),
            R"(write it anew in /a.json: {"auths": {"work@ghcr.io": {"auth": ...}}})");
}

TEST(HowToRenew, ALoginOfAnotherHelperByThatHelper) {
  EXPECT_EQ(
      how_to_renew(RegistryKey("pkg.dev"), {.helper = "docker-credential-gcloud"}),
      "renew what docker-credential-gcloud logs in with, and try it: echo pkg.dev | docker-credential-gcloud get");
}

}  // namespace
}  // namespace regsync
