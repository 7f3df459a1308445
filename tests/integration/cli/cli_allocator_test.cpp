// All programs with another allocator preloaded, as hardened systems do it.
#include <csignal>
#include <filesystem>

#include "tests/integration/cli/cli_world.hpp"
#include "tests/support/unpacked.hpp"

namespace regsync::test {
namespace {

using CliPreloadedAllocator = CliWorld;

TEST_F(CliPreloadedAllocator, GetsItsOwnMemoryBack) {
  const auto jemalloc = unpacked("libjemalloc2") / "usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
  if (!std::filesystem::exists(jemalloc)) {
    SKIP_OR_FAIL("libjemalloc2 is not unpacked (tests/tools/install unpack)");
  }
  person_.env["LD_PRELOAD"] = jemalloc.string();
  start_in_sync();
  EXPECT_NE(read_file("/proc/" + std::to_string(person_.daemon().pid()) + "/maps").find("jemalloc"), std::string::npos);
  person_.store_login("ghcr.io", "alice", "rotated");
  EXPECT_TRUE(wait_until([this] { return all_in_sync(); }));
  for (const char* command : {"status", "logins", "list", "doctor", "diff", "history"}) {
    EXPECT_LE(person_.regsync({command}).exit_code, 1) << command;
  }
  EXPECT_EQ(person_.regsync({"sync"}).exit_code, 0);
  EXPECT_EQ(person_.stop_daemon(SIGTERM), 0);
}

}  // namespace
}  // namespace regsync::test
