// What the Debian package's scripts say before the programs are removed and after they are replaced (systemd/package).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PackageScript : public testing::Test {
 protected:
  void program(const std::string& name, const std::string& script) const {
    fs::permissions(dir_.write("bin/" + name, "#!/bin/sh\n" + script), fs::perms::owner_all);
  }

  [[nodiscard]] Outcome script(std::vector<std::string> argv) const {
    Environment environment = sandbox(dir_);
    environment["PATH"] = (dir_ / "bin").string() + ":" + environment["PATH"];
    return run_program({.argv = std::move(argv), .env = environment, .in = {}});
  }

  TempDir dir_;
};

class Prerm : public PackageScript {
 protected:
  // Of two people on the machine.
  [[nodiscard]] Outcome remove() const {
    const auto line = [this](const std::string& user) {
      return "echo " + user + ":x:1:1::" + (dir_ / user).string() + ":/bin/sh\n";
    };
    program("getent", line("alice") + line("bob"));
    program("deb-systemd-invoke", "");
    return script({"sh", PACKAGE "/prerm", "remove"});
  }
};

class Postinst : public PackageScript {
 protected:
  // On a machine where the program of each process of alice is this one.
  [[nodiscard]] Outcome configure(const std::string& executable, std::vector<std::string> version_before) const {
    program("readlink", "echo '" + executable + "'\n");
    program("stat", "echo alice\n");
    std::vector<std::string> argv{"sh", PACKAGE "/postinst", "configure"};
    std::ranges::move(version_before, std::back_inserter(argv));
    return script(std::move(argv));
  }
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

TEST_F(Postinst, NamesWhoseRegsyncdGoesOnAsTheProgramThatWasReplaced) {
  const Outcome upgraded = configure("/usr/bin/regsyncd (deleted)", {"1.2.3"});
  EXPECT_EQ(upgraded.exit_code, 0);
  EXPECT_EQ(upgraded.err,
            "regsync: regsyncd of alice goes on as the program that was replaced; to start the new one, run as alice:\n"
            "regsync:   systemctl --user daemon-reload && systemctl --user restart regsyncd\n");
}

TEST_F(Postinst, SaysNothingOfAFirstInstallationNorOfTheNewProgram) {
  EXPECT_EQ(configure("/usr/bin/regsyncd (deleted)", {}).err, "");
  EXPECT_EQ(configure("/usr/bin/regsyncd", {"1.2.3"}).err, "");
}

}  // namespace
}  // namespace regsync::test
