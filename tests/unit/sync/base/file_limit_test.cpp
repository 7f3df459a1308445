#include "sync/base/file_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

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

  // One that runs already; its end of the pipe stays open until it may end.
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[1]);
    char byte = 0;
    const auto got = ::read(pipe[0], &byte, 1);
    rlimit given{};
    ::_exit(got == 1 && ::getrlimit(RLIMIT_NOFILE, &given) == 0 && given.rlim_cur == 256 ? 0 : 1);
  }
  give_inherited_file_limit(child);
  EXPECT_EQ(soft_limit(), limit.rlim_max);
  ASSERT_EQ(::write(pipe[1], "x", 1), 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the child has another limit";
  ::close(pipe[0]);
  ::close(pipe[1]);
}

}  // namespace
}  // namespace regsync
