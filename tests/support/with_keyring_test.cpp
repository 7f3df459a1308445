// A test that fails because gnome-keyring exited runs once more; a test that fails on its own does not.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

using testing::HasSubstr;

class WithKeyring : public ::testing::Test {
 protected:
  // Runs a shell script in the sandbox; `$1` is a file outside of it.
  [[nodiscard]] Outcome run(const std::string& script) const {
    const char* const with_keyring = REGSYNC_SOURCE_DIR "/tests/servers/with-keyring";
    Environment env = own_environment();
    env["REGSYNC_KEYRING_CRASHES"] = crashes_.string();
    return run_program(
        {.argv = {with_keyring, "sh", "-c", "echo run >>$1; " + script, "sh", runs_.string()}, .env = env, .in = {}});
  }

  TempDir temp_;
  std::filesystem::path runs_ = temp_.path() / "runs";
  std::filesystem::path crashes_ = temp_.path() / "crashes";
};

// The keyring's process is gone once its bus name has no owner.
constexpr const char* crash =
    "kill -TRAP $(cat $XDG_RUNTIME_DIR/keyring.pid); while dbus-send --session --print-reply "
    "--dest=org.freedesktop.secrets / org.freedesktop.DBus.Peer.Ping; do :; done; ";

TEST_F(WithKeyring, FailsAfterACrashOfTheKeyringAndRunsOnceMore) {
  const Outcome outcome = run(std::string("[ $(wc -l <$1) -gt 1 ] && exit 0; ") + crash + "exit 3");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read_file(runs_), "run\nrun\n");
  EXPECT_THAT(outcome.err, HasSubstr("gnome-keyring-daemon ended itself (SIGTRAP)"));
  EXPECT_THAT(read_file(crashes_), HasSubstr("ended itself (SIGTRAP): sh -c"));
}

TEST_F(WithKeyring, RunsNoThirdTime) {
  EXPECT_EQ(run(std::string(crash) + "exit 3").exit_code, 3);
  EXPECT_EQ(read_file(runs_), "run\nrun\n");
}

TEST_F(WithKeyring, FailsOnceWhereTheKeyringIsNotToBlame) {
  EXPECT_EQ(run("exit 3").exit_code, 3);
  EXPECT_EQ(read_file(runs_), "run\n");
  EXPECT_FALSE(std::filesystem::exists(crashes_));
}

TEST_F(WithKeyring, PassesWhatPassedAlthoughTheKeyringCrashed) {
  EXPECT_EQ(run(std::string(crash) + "exit 0").exit_code, 0);
  EXPECT_EQ(read_file(runs_), "run\n");
}

}  // namespace
}  // namespace regsync::test
