#include "sync/cli/setup/containers_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ContainersConfig : public testing::Test {
 protected:
  ContainersConfig() {
    setenv("HOME", home_.path().c_str(), 1);
    setenv("XDG_RUNTIME_DIR", (home_ / "run").c_str(), 1);
    setenv("PATH", (home_ / "bin").c_str(), 1);
    for (const char* name : {"XDG_CONFIG_HOME", "REGISTRY_AUTH_FILE"}) {
      unsetenv(name);
    }
  }
  void write(const std::string& name, const std::string& text) { home_.write(".config/containers/" + name, text); }

  test::TempDir home_;
  std::ostringstream out_;
};

TEST_F(ContainersConfig, NamesRegsyncWhereOneOfTheFilesThatPodmanReadsDoes) {
  EXPECT_FALSE(containers_use_regsync());
  write("registries.conf", "unqualified-search-registries = [\"docker.io\"]\n# credential-helpers = [\"regsync\"]\n");
  EXPECT_FALSE(containers_use_regsync());
  write("registries.conf", "credential-helpers = [\"secretservice\"]\n");
  EXPECT_FALSE(containers_use_regsync());
  write("registries.conf.d/10-mine.conf", "\n  credential-helpers=[\"regsync\", \"secretservice\"]\n");
  EXPECT_TRUE(containers_use_regsync());
}

// containers/image writes a login to the first helper that takes it.
TEST_F(ContainersConfig, OnlyTheFirstHelperIsWrittenTo) {
  write("registries.conf.d/90-corp.conf", "credential-helpers = [\"containers-auth.json\", \"regsync\"]\n");
  EXPECT_FALSE(containers_use_regsync());
  EXPECT_EQ(containers_helper(), "containers-auth.json");
  enable_for_containers(out_);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("90-corp.conf decides"), HasSubstr("name \"regsync\" first there"),
                                Not(HasSubstr("in the keyring now"))));
  write("registries.conf.d/90-corp.conf", "credential-helpers = []\n");
  EXPECT_EQ(containers_helper(), "containers-auth.json");
}

TEST_F(ContainersConfig, TheHelpersOfTheMachineStayInTheListWhereThePersonHasNoFile) {
  const auto machine = home_ / "etc/containers";
  home_.write("etc/containers/registries.conf", "credential-helpers = [\"ecr-login\"]\n");
  EXPECT_EQ(containers_helper(machine), "ecr-login");
  home_.write("etc/containers/registries.conf.d/10-corp.conf",
              "credential-helpers = [\"corp\", \"containers-auth.json\"]\n");
  EXPECT_EQ(containers_helper(machine), "corp");
  enable_for_containers(out_, machine);
  EXPECT_THAT(test::read_file(home_ / ".config/containers/registries.conf.d/50-regsync.conf"),
              HasSubstr("credential-helpers = [\"regsync\", \"corp\", \"containers-auth.json\"]"));
  EXPECT_TRUE(containers_use_regsync(machine)) << "the person's drop-ins come after those of the machine";
  write("registries.conf", "");
  enable_for_containers(out_, machine);
  EXPECT_THAT(test::read_file(home_ / ".config/containers/registries.conf.d/50-regsync.conf"),
              HasSubstr("credential-helpers = [\"regsync\", \"containers-auth.json\"]"))
      << "the person's own registries.conf takes the place of all files of the machine";
}

TEST_F(ContainersConfig, ABackupOfAFileIsReadByNobody) {
  write("registries.conf.d/50-regsync.conf.bak", "credential-helpers = [\"regsync\"]\n");
  write("registries.conf.d/50-regsync.conf~", "credential-helpers = [\"regsync\"]\n");
  EXPECT_FALSE(containers_use_regsync());
}

TEST_F(ContainersConfig, TheLastFileWithAListDecides) {
  write("registries.conf.d/10-mine.conf", "credential-helpers = [\"regsync\"]\n");
  EXPECT_TRUE(containers_use_regsync());
  write("registries.conf.d/99-corp.conf", "credential-helpers = [\n  'containers-auth.json', # ours\n]\n");
  EXPECT_FALSE(containers_use_regsync());
  enable_for_containers(out_);
  EXPECT_THAT(out_.str(), HasSubstr("99-corp.conf decides"));
}

TEST_F(ContainersConfig, OtherHelpersStayInTheList) {
  write("registries.conf", "credential-helpers = [\n  \"ecr-login\",\n  \"containers-auth.json\"\n]\n");
  enable_for_containers(out_);
  enable_for_containers(out_);
  EXPECT_THAT(test::read_file(home_ / ".config/containers/registries.conf.d/50-regsync.conf"),
              HasSubstr("credential-helpers = [\"regsync\", \"ecr-login\", \"containers-auth.json\"]"));
}

TEST_F(ContainersConfig, AListIsReadAndWrittenAsTomlHasIt) {
  const auto ours = [&] { return test::read_file(home_ / ".config/containers/registries.conf.d/50-regsync.conf"); };
  write("registries.conf",
        "credential-helpers = ['my\"x', \"secret\\\"service\", 'a\\b', \"c\\\\d\", 'e]f', \"g#h\"]\n");
  enable_for_containers(out_);
  EXPECT_THAT(
      ours(),
      HasSubstr(R"(credential-helpers = ["regsync", "my\"x", "secret\"service", "a\\b", "c\\d", "e]f", "g#h"])"));
  EXPECT_EQ(containers_helper(), "regsync");
  write("registries.conf",
        "credential-helpers = [ # see [1] and \"x\"\n  \"secretservice\", # or 'y'\n  # ]\n  'z'\n]\n");
  enable_for_containers(out_);
  EXPECT_THAT(ours(), HasSubstr("credential-helpers = [\"regsync\", \"secretservice\", \"z\"]"));
  write("registries.conf", "credential-helpers-of-mine = ['x']\ncredential-helpers = [\"torn");
  EXPECT_EQ(containers_helper(home_.path()), "regsync");
}

// podman asks a helper for whole hosts only, so that a login of a path stays in the file.
TEST_F(ContainersConfig, TheLoginsThatStayInPlainTextAreNamed) {
  home_.write("run/containers/auth.json", R"({"auths":{"quay.io/acme":{"auth":"YTpi"},"ghcr.io":{"auth":"YTpi"}}})");
  write("auth.json", R"({"auths":{"quay.io/acme":{"auth":"YTpi"},"gcr.io":{}}})");
  enable_for_containers(out_);
  EXPECT_THAT(out_.str(), HasSubstr("note: " + (home_ / "run/containers/auth.json").string() +
                                    " goes on holding the logins of quay.io/acme, ghcr.io in plain text; to keep one "
                                    "in the keyring: podman logout ghcr.io && podman login ghcr.io\n"));
  EXPECT_THAT(out_.str(), HasSubstr("note: " + (home_ / ".config/containers/auth.json").string() +
                                    " goes on holding the logins of quay.io/acme in plain text; the keyring takes that "
                                    "of a whole host only: podman logout quay.io/acme && podman login quay.io\n"));
}

TEST_F(ContainersConfig, ALoginInPlainTextIsMovedByAProgramThatIsThere) {
  write("auth.json", R"({"auths":{"ghcr.io":{"auth":"YTpi"}}})");
  for (const char* client : {"skopeo", "buildah"}) {
    std::filesystem::permissions(home_.write(std::string("bin/") + client, "#!/bin/sh\n"),
                                 std::filesystem::perms::owner_all);
  }
  enable_for_containers(out_);
  EXPECT_THAT(out_.str(), HasSubstr("to keep one in the keyring: skopeo logout ghcr.io && skopeo login ghcr.io\n"));
}

TEST_F(ContainersConfig, AnAuthFileOfThePersonsOwnTakesThePlaceOfTheOthers) {
  write("auth.json", R"({"auths":{"gcr.io":{"auth":"YTpi"}}})");
  setenv("REGISTRY_AUTH_FILE", home_.write("mine.json", R"({"auths":{"ghcr.io":{"auth":"YTpi"}}})").c_str(), 1);
  const std::vector<PlainLogins> plain = plain_containers_logins();
  ASSERT_EQ(plain.size(), 1U);
  EXPECT_EQ(plain.front().file, home_ / "mine.json");
  EXPECT_THAT(plain.front().servers, testing::ElementsAre("ghcr.io"));
}

TEST_F(ContainersConfig, AnAuthFileThatMakesNoSenseStopsNoSetup) {
  write("auth.json", "[]");
  enable_for_containers(out_);
  EXPECT_TRUE(containers_use_regsync());
  EXPECT_THAT(out_.str(), HasSubstr("auth.json is not a JSON object"));
}

TEST_F(ContainersConfig, AHelperWithAControlCharacterIsRefused) {
  write("registries.conf", R"(credential-helpers = ["a\u001b[2J"])");
  EXPECT_THROW(enable_for_containers(out_), Error);
  EXPECT_FALSE(is_set_up_for_containers());
}

TEST_F(ContainersConfig, IsEnabledAndDisabledByAFileOfItsOwn) {
  write("registries.conf", "short-name-mode = \"enforcing\"\n");
  enable_for_containers(out_);
  EXPECT_TRUE(containers_use_regsync());
  EXPECT_THAT(test::read_file(home_ / ".config/containers/registries.conf.d/50-regsync.conf"),
              HasSubstr("credential-helpers = [\"regsync\", \"containers-auth.json\"]"));
  disable_for_containers(out_);
  EXPECT_FALSE(containers_use_regsync());
  EXPECT_EQ(test::read_file(home_ / ".config/containers/registries.conf"), "short-name-mode = \"enforcing\"\n");
  out_.str("");
  disable_for_containers(out_);
  EXPECT_EQ(out_.str(), "") << "there was none";
}

}  // namespace
}  // namespace regsync::cli
