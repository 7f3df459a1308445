// What the Debian package's script says before the programs are removed (systemd/package/prerm).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Prerm : public testing::Test {
 protected:
  // Of two people on the machine.
  [[nodiscard]] Outcome remove() const {
    const auto line = [this](const std::string& user) {
      return "echo " + user + ":x:1:1::" + (dir_ / user).string() + ":/bin/sh\n";
    };
    program("getent", line("alice") + line("bob"));
    program("deb-systemd-invoke", "");
    Environment environment = sandbox(dir_);
    environment["PATH"] = (dir_ / "bin").string() + ":" + environment["PATH"];
    return run_program({.argv = {"sh", PACKAGE "/prerm", "remove"}, .env = environment, .in = {}});
  }

  void program(const std::string& name, const std::string& script) const {
    fs::permissions(dir_.write("bin/" + name, "#!/bin/sh\n" + script), fs::perms::owner_all);
  }

  TempDir dir_;
};

TEST_F(Prerm, NamesWhoseProgramsCallAHelperThatIsGone) {
  const auto config = dir_.write("bob/.docker/config.json", R"({"credsStore": "regsync"})");
  const Outcome removed = remove();
  EXPECT_EQ(removed.exit_code, 0);
  EXPECT_THAT(removed.err, AllOf(HasSubstr("programs of bob"), HasSubstr(config.string()), Not(HasSubstr("alice"))));
}

TEST_F(Prerm, NamesWhoseKeyringNothingWouldUnlock) {
  const auto password = dir_.write("bob/.config/regsync/keyring-password", "canary");
  dir_.write("alice/.config/systemd/user/default.target.wants/regsync-keyring.service", "");
  const Outcome removed = remove();
  EXPECT_EQ(removed.exit_code, 0);
  EXPECT_THAT(removed.err, AllOf(HasSubstr("the keyring of alice"), HasSubstr("the keyring of bob"),
                                 HasSubstr("the password of that keyring stays in " + password.string() + "\n"),
                                 Not(HasSubstr((dir_ / "alice").string())), Not(HasSubstr("canary"))));
}

// Anybody can make one: run_program() would give up.
TEST_F(Prerm, WaitsForNoFifoInAHome) {
  dir_.write("alice/.docker/x", "");
  ASSERT_EQ(mkfifo((dir_ / "alice/.docker/config.json").c_str(), 0600), 0);
  dir_.write("bob/.docker/config.json", R"({"credsStore": "regsync"})");
  const Outcome removed = remove();
  EXPECT_EQ(removed.exit_code, 0);
  EXPECT_THAT(removed.err, HasSubstr("programs of bob"));
}

}  // namespace
}  // namespace regsync::test
