#include "helper/base/process_state.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace regsync {
namespace {

// A child that sleeps until a signal ends it, under a name that looks like the fields behind it.
class ProcessState : public testing::Test {
 public:
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;
  ProcessState(ProcessState&&) = delete;
  ProcessState& operator=(ProcessState&&) = delete;
  ~ProcessState() override {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

 protected:
  ProcessState() : child_(::fork()) {
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::prctl(PR_SET_NAME, "a) T (b) Z");
      while (true) {
        ::pause();
      }
    }
  }

  void signal(int number, int comes_to) const {
    ASSERT_EQ(::kill(child_, number), 0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child_), &info, comes_to | WNOWAIT), 0);
  }

  pid_t child_;
};

TEST_F(ProcessState, OneThatRunsOrSleepsIsNotStopped) {
  EXPECT_FALSE(is_stopped(::getpid()));
  EXPECT_FALSE(is_stopped(child_));
}

TEST_F(ProcessState, OneThatASignalStoppedIsUntilItGoesOn) {
  signal(SIGSTOP, WSTOPPED);
  EXPECT_TRUE(is_stopped(child_));
  signal(SIGCONT, WCONTINUED);
  EXPECT_FALSE(is_stopped(child_));
}

TEST_F(ProcessState, OneThatHasEndedIsUntilItsParentCollectsIt) {
  signal(SIGKILL, WEXITED);
  EXPECT_TRUE(is_stopped(child_));
}

TEST_F(ProcessState, OfAProcessThatIsNotSeenNothingIsSaid) {
  EXPECT_FALSE(is_stopped(0));
  EXPECT_FALSE(is_stopped(-1));
  EXPECT_FALSE(is_stopped(4'194'305)) << "more than the kernel's largest process id";
}

}  // namespace
}  // namespace regsync
