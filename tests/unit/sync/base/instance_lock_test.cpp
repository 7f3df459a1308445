#include "sync/base/instance_lock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

TEST(InstanceLock, TheSecondIsToldWhoRuns) {
  const test::TempDir root;
  const InstanceLock first(root.path() / "state/lock", "regsyncd");
  try {
    const InstanceLock second(root.path() / "state/lock", "regsync sync --once");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::already_exists);
    EXPECT_NE(error.message().find("regsyncd runs already (process " + std::to_string(::getpid()) + ")"),
              std::string::npos)
        << error.message();
  }
}

// NFS locks files across machines.
TEST(InstanceLock, AnotherMachineThatSharesTheFolderIsNamed) {
  const test::TempDir root;
  const auto file = root.write("lock", "4711 regsyncd\nfar.example\n6a1b\n");
  const int theirs = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(theirs, LOCK_EX | LOCK_NB), 0);
  try {
    const InstanceLock lock(file, "regsyncd");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input) << "it may be tried again";
    EXPECT_NE(error.message().find("regsyncd runs on far.example (process 4711)"), std::string::npos)
        << error.message();
    EXPECT_NE(error.remedy().find("XDG_STATE_HOME"), std::string::npos) << error.remedy();
  }
  ::close(theirs);
}

TEST(InstanceLock, AContainerOfThisMachineIsThisMachineWhateverItsName) {
  const test::TempDir root;
  const auto file = root.path() / "lock";
  const InstanceLock first(file, "regsyncd");
  std::ifstream lines(file);
  std::string owner;
  std::string host;
  std::string boot;
  ASSERT_TRUE(std::getline(lines, owner) && std::getline(lines, host) && std::getline(lines, boot));
  std::ofstream(file) << owner << "\ntoolbox\n" << boot << "\n";
  try {
    const InstanceLock second(file, "regsyncd");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::already_exists);
  }
}

// As a full disk, or root's file, leaves the first with no file.
TEST(InstanceLock, WhoHadNoFileKeepsOutWhoHasOne) {
  const test::TempDir root;
  const auto file = root.path() / "lock";
  std::optional<InstanceLock> first;
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::flock(folder, LOCK_EX | LOCK_NB), 0);
  EXPECT_THROW(first.emplace(file, "regsync sync --once"), Error);
  ::close(folder);
  EXPECT_NO_THROW(first.emplace(file, "regsync sync --once"));
}

TEST(InstanceLock, IsFreeAgainWhenItsOwnerEnds) {
  const test::TempDir root;
  {
    const InstanceLock first(root.path() / "lock", "regsyncd");
  }
  EXPECT_NO_THROW(InstanceLock(root.path() / "lock", "regsyncd"));
}

// `sudo regsync sync --once` with a person's HOME must not keep the person's own regsyncd out.
TEST(InstanceLock, WhatRootMakesBelongsToTheOwnerOfTheFolder) {
  if (::geteuid() != 0) {
    SKIP_OR_FAIL("only root can make files of others");
  }
  constexpr uid_t nobody = 65534;
  const test::TempDir root;
  ASSERT_EQ(::chown(root.path().c_str(), nobody, nobody), 0);
  const InstanceLock lock(root / "state/regsync/lock", "regsync sync --once");
  for (const char* name : {"state", "state/regsync", "state/regsync/lock"}) {
    struct stat status{};
    ASSERT_EQ(::stat((root / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, nobody) << name;
  }
}

TEST(InstanceLock, WhyItsFolderCannotBeMadeIsTold) {
  try {
    const InstanceLock lock("/sys/regsync/lock", "regsyncd");  // where nobody can make one
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("/sys/regsync/lock: cannot be locked: "), std::string::npos) << error.message();
    EXPECT_EQ(error.message().find("No such file"), std::string::npos) << error.message();
  }
}

TEST(InstanceLock, AStaleFileOfADeadProcessLocksNobodyOut) {
  const test::TempDir root;
  std::ofstream(root.path() / "lock") << "999999 regsyncd, and a longer line than the next\n";
  const InstanceLock lock(root.path() / "lock", "regsyncd");
  std::string line;
  std::ifstream stream(root.path() / "lock");
  std::getline(stream, line);
  EXPECT_EQ(line, std::to_string(::getpid()) + " regsyncd");
}

}  // namespace
}  // namespace regsync
