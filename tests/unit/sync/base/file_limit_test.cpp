#include "sync/base/file_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace regsync {
namespace {

rlim_t soft_limit() {
  rlimit limit{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit.rlim_cur;
}

TEST(FileLimit, IsRaisedForThisProcessAndNotForItsChildren) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  {
    const InheritedFileLimit before;
    EXPECT_EQ(soft_limit(), 256U);
  }
  EXPECT_EQ(soft_limit(), 256U) << "nothing was raised yet";

  raise_file_limit();
  EXPECT_EQ(soft_limit(), limit.rlim_max);
  raise_file_limit();
  {
    const InheritedFileLimit of_a_child;
    EXPECT_EQ(soft_limit(), 256U);
  }
  EXPECT_EQ(soft_limit(), limit.rlim_max);
}

}  // namespace
}  // namespace regsync
