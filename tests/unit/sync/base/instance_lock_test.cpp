#include "sync/base/instance_lock.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

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

TEST(InstanceLock, IsFreeAgainWhenItsOwnerEnds) {
  const test::TempDir root;
  {
    const InstanceLock first(root.path() / "lock", "regsyncd");
  }
  EXPECT_NO_THROW(InstanceLock(root.path() / "lock", "regsyncd"));
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
