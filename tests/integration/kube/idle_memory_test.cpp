// What a client at rest keeps. Apart: it counts what the process has allocated.
#include <gtest/gtest.h>
#include <malloc.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/kube/real_server.hpp"

namespace regsync::kube {
namespace {

TEST_F(RealServer, AClientAtRestKeepsNoBuffersAndGoesOnWhenItIsAsked) {
  KubeClient watching = client(admin_.clone());
  Known known(watching, name_space_);
  const test::Background first(loop_, known.run());
  ASSERT_TRUE(test::run_until(loop_, [&] { return known.synced; }));
  for (std::size_t round = 1; round <= 2; ++round) {
    test::run(loop_, watching.version());
    EXPECT_TRUE(watching.release_idle_memory().busy) << "it was asked for something a moment ago";
    const auto before = mallinfo2().uordblks;
    EXPECT_TRUE(watching.release_idle_memory().released);
    const auto given_back = before - mallinfo2().uordblks;
    EXPECT_TRUE(before == 0 || given_back > 40 * 1024) << given_back;  // a sanitizer's allocator counts nothing
    EXPECT_FALSE(watching.release_idle_memory().released);
    kubectl({"-n", name_space_, "create", "secret", "generic", "s" + std::to_string(round)}, "");
    EXPECT_TRUE(test::run_until(loop_, [&] { return known.objects.size() == round; }));
  }
}

}  // namespace
}  // namespace regsync::kube
