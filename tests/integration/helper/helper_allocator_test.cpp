// The credential helper with another allocator preloaded, as hardened systems do it.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/integration/helper/helper_program.hpp"
#include "tests/support/unpacked.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

TEST(PreloadedAllocator, GetsItsOwnMemoryBack) {
  const auto jemalloc = unpacked("libjemalloc2") / "usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
  if (!std::filesystem::exists(jemalloc)) {
    SKIP_OR_FAIL("libjemalloc2 is not unpacked (tests/tools/install unpack)");
  }
  Environment environment = own_environment();
  environment["LD_PRELOAD"] = jemalloc.string();
  const auto helper = [&](const char* action, const std::string& input) {
    return run_program({.argv = {HELPER, action}, .env = environment, .in = input});
  };
  const Outcome stored = helper("store", login_json("ghcr.io", "alice", "one"));
  EXPECT_EQ(stored.exit_code, 0) << stored.out << stored.err;
  EXPECT_EQ(helper("get", "ghcr.io").out, R"({"ServerURL":"ghcr.io","Username":"alice","Secret":"one"})"
                                          "\n");
  EXPECT_EQ(helper("list", "").out, "{\"ghcr.io\":\"alice\"}\n");
  EXPECT_EQ(helper("erase", "ghcr.io").exit_code, 0);
}

}  // namespace
}  // namespace regsync::test
