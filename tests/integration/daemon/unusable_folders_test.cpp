// A daemon whose folders cannot be used when it starts: it stays, says what is wrong, writes nothing that it could not
// find again, and goes on by itself once the cause is gone.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/daemon/daemon_fixture.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class UnusableFolders : public DaemonFixture {
 protected:
  UnusableFolders() { write_target("good"); }

  [[nodiscard]] fs::path state_folder() const { return person_.home() / ".local/state/regsync"; }

  [[nodiscard]] bool is_a_problem(const fs::path& path) const {
    return status()["problems"].dump().find(path.string()) != std::string::npos;
  }

  // The daemon runs, and says what is wrong with `path` to everybody who asks.
  void expect_held(const fs::path& path) {
    const auto said = person_.regsync({"status"});
    EXPECT_EQ(said.exit_code, 1) << said.out << said.err;
    EXPECT_THAT(said.out + said.err, HasSubstr("nothing is synced: " + path.string()));
    EXPECT_THAT(said.out + said.err, HasSubstr("good"));
    const auto asked = person_.regsync({"sync"});
    EXPECT_EQ(asked.exit_code, 1);
    EXPECT_THAT(asked.err, HasSubstr(path.string()));
    EXPECT_EQ(server_.writes(), 0U);
    // Who follows the status is told what is new, and not the time.
    const auto started = status()["started"];
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // times are shown in seconds
    EXPECT_EQ(status()["started"], started);
  }

  void expect_held_until(const fs::path& path, const std::function<void()>& mend) {
    person_.start_daemon();
    expect_held(path);
    mend();
    EXPECT_TRUE(in_sync("good")) << path;
    EXPECT_FALSE(is_a_problem(path));
    EXPECT_EQ(person_.stop_daemon(SIGTERM), 0);
  }
};

TEST_F(UnusableFolders, AnOwnerFileThatIsAFolder) {
  const auto owner = state_folder() / "owner";
  fs::create_directories(owner);
  expect_held_until(owner, [&] { fs::remove(owner); });
}

TEST_F(UnusableFolders, AnOwnerFileWithoutAnId) {
  const auto owner = state_folder() / "owner";
  person_.home().write(".local/state/regsync/owner", "");
  expect_held_until(owner, [&] { person_.home().write(".local/state/regsync/owner", "00112233445566aa\n"); });
  const auto secret = server_.find({"secrets", "team-a", "good"});
  EXPECT_THAT(secret->at("metadata").dump(), HasSubstr("00112233445566aa"));
}

// An id that is made now would not be the owner that they name.
TEST_F(UnusableFolders, SettingsWithAMistakeWhereNoOwnerIsKnown) {
  const auto settings = person_.home().write(".config/regsync/config.yaml", "owner: team\nverifyLogin: false\n");
  expect_held_until(settings,
                    [&] { person_.home().write(".config/regsync/config.yaml", "owner: team\nverifyLogins: false\n"); });
  const auto secret = server_.find({"secrets", "team-a", "good"});
  EXPECT_THAT(secret->at("metadata").at("annotations").at("regsync.dev/owner").get<std::string>(), StartsWith("team "));
  EXPECT_FALSE(fs::exists(state_folder() / "owner"));
}

TEST_F(UnusableFolders, AFileInPlaceOfTheStateFolder) {
  person_.home().write(".local/state/regsync", "");
  expect_held_until(state_folder(), [&] { fs::remove(state_folder()); });
}

TEST_F(UnusableFolders, AFileInPlaceOfTheFootprints) {
  const auto footprints = state_folder() / "footprints";
  person_.home().write(".local/state/regsync/footprints", "");
  expect_held_until(footprints, [&] { fs::remove(footprints); });
}

TEST_F(UnusableFolders, AFolderInPlaceOfTheLock) {
  const auto lock = state_folder() / "lock";
  fs::create_directories(lock);
  expect_held_until(lock, [&] { fs::remove(lock); });
}

// It goes on once the other machine lets go.
TEST_F(UnusableFolders, AStateFolderThatAnotherMachineUses) {
  const auto lock = person_.home().write(".local/state/regsync/lock", "4711 regsyncd\nfar.example\nits-boot\n");
  const int theirs = ::open(lock.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(theirs, LOCK_EX | LOCK_NB), 0);
  person_.start_daemon();
  EXPECT_THAT(person_.regsync({"status"}).out, HasSubstr("nothing is synced: regsyncd runs on far.example"));
  EXPECT_EQ(server_.writes(), 0U);
  ::close(theirs);
  EXPECT_TRUE(in_sync("good"));
}

// A file system of the daemon's own: for a lock there is room, for an owner file there is none.
TEST_F(UnusableFolders, AFullAndThenAReadOnlyFileSystem) {
  fs::create_directories(state_folder());
  Process daemon(person_.program(
      {"unshare", "-Urm", "sh", "-c", "mount -t tmpfs -o nr_inodes=2 none \"$0\" && exec regsyncd", state_folder()}));
  if (!wait_until([&] { return daemon.err().find("is ready") != std::string::npos || !daemon.running(); }) ||
      !daemon.running()) {
    SKIP_OR_FAIL("no user namespaces here: " + daemon.err());
  }
  const auto remount = [&](const std::string& options) {
    const auto outcome = person_.run({"nsenter", "--preserve-credentials", "-t", std::to_string(daemon.pid()), "-U",
                                      "-m", "mount", "-o", "remount," + options, state_folder()});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  };
  expect_held(state_folder() / "owner");
  EXPECT_THAT(person_.regsync({"status"}).out, HasSubstr("No space left on device"));
  remount("nr_inodes=100,ro");
  EXPECT_TRUE(wait_until([&] { return status().dump().find("Read-only file system") != std::string::npos; }));
  remount("rw");
  EXPECT_TRUE(in_sync("good"));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(std::chrono::seconds(15)), 0);
}

// What people ask is lost, what they asked for before is not.
TEST_F(UnusableFolders, AFileInPlaceOfTheRuntimeFolder) {
  const auto folder = person_.home().write("run/regsync", "");
  person_.env["XDG_RUNTIME_DIR"] = (person_.home() / "run").string();
  person_.start_daemon();
  EXPECT_TRUE(wait_until([&] { return server_.find({"secrets", "team-a", "good"}).has_value(); }));
  EXPECT_THAT(person_.daemon().err(), HasSubstr(folder.string()));
  fs::remove(folder);
  EXPECT_TRUE(wait_until([&] { return person_.regsync({"status"}).exit_code == 0; }));
}

TEST_F(UnusableFolders, AFileInPlaceOfTheTargetsOrOfTheConfiguration) {
  for (const std::string folder : {".config/regsync/targets", ".config/regsync"}) {
    fs::remove_all(person_.home() / ".config/regsync");
    person_.home().write(folder, "");
    person_.start_daemon();
    EXPECT_TRUE(wait_until([&] { return is_a_problem(folder); })) << status().dump();
    fs::remove(person_.home() / folder);
    write_target("good");
    EXPECT_TRUE(in_sync("good")) << folder;
    EXPECT_TRUE(wait_until([&] { return !is_a_problem(folder); }));
    EXPECT_EQ(person_.stop_daemon(SIGTERM), 0);
  }
}

}  // namespace
}  // namespace regsync::test
