#include "sync/base/child_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/limiter.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

using std::chrono::steady_clock;

ChildCommand shell(std::string script) {
  ChildCommand command;
  command.program = "sh";
  command.arguments = {"-c", std::move(script)};
  return command;
}

// 0 when the text has none.
pid_t number(const std::string& text) { return static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10)); }

class ChildProcess : public ::testing::Test {
 protected:
  // The number that a script wrote into `file`; 0 when it has not.
  [[nodiscard]] pid_t pid_in(const char* file) const {
    const auto path = temp_ / file;
    return std::filesystem::exists(path) ? number(test::read_file(path)) : 0;
  }
  static bool gone(pid_t pid) {
    return test::wait_until([&] { return ::kill(pid, 0) != 0; }, std::chrono::seconds(5));
  }

  test::TempDir temp_;
  asio::io_context context_;
};

TEST_F(ChildProcess, GivesInputAndCollectsOutput) {
  ChildCommand command = shell("cat; echo oops >&2; exit 3");
  command.input = "hello";
  const ChildResult result = test::run(context_, run_child(std::move(command)));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, "hello");
  EXPECT_EQ(result.errors, "oops\n");
}

TEST_F(ChildProcess, AMegabyteGoesThroughBothWays) {
  ChildCommand command = shell("cat");
  command.input = std::string(1'000'000, 'x');
  EXPECT_EQ(test::run(context_, run_child(std::move(command))).output.size(), 1'000'000U);
}

TEST_F(ChildProcess, AChildThatReadsNothingIsNoFault) {
  ChildCommand command = shell("exit 0");
  command.input = std::string(1'000'000, 'x');
  EXPECT_EQ(test::run(context_, run_child(std::move(command))).exit_code, 0);
}

TEST_F(ChildProcess, ASignalIsAnExitCodeAsShellsSay) {
  EXPECT_EQ(test::run(context_, run_child(shell("kill -TERM $$"))).exit_code, 128 + SIGTERM);
}

// As below a shell with `trap '' CHLD`, or a program that wants no zombies.
TEST_F(ChildProcess, WhereTheKernelCollectsChildrenNoneCountsAsSuccessful) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  const Error error = test::error_of(context_, run_child(shell("cat; exit 3")));  // it ends once it is followed
  EXPECT_EQ(std::signal(SIGCHLD, before), SIG_IGN);
  EXPECT_EQ(error.code(), ErrorCode::internal);
  EXPECT_THAT(error.message(), ::testing::HasSubstr("sh: how it ended is not known"));
}

TEST_F(ChildProcess, AMissingProgramIsNotFound) {
  ChildCommand command;
  command.program = "regsync-no-such-program";
  EXPECT_EQ(test::error_of(context_, run_child(std::move(command))).code(), ErrorCode::not_found);
}

TEST_F(ChildProcess, ATimeoutKillsTheWholeGroup) {
  ChildCommand command = shell("sleep 60 & echo $! > " + (temp_ / "pid").string() + "; wait");
  command.timeout = std::chrono::seconds(2);  // enough for the shell to start
  const auto begin = steady_clock::now();
  EXPECT_EQ(test::error_of(context_, run_child(std::move(command))).code(), ErrorCode::timeout);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(30));
  EXPECT_TRUE(gone(pid_in("pid")));
}

TEST_F(ChildProcess, AFloodIsCutOffAndItsSourceKilled) {
  ChildCommand command = shell("echo $$ > " + (temp_ / "pid").string() + "; exec yes");
  command.max_output = 100'000;
  EXPECT_EQ(test::error_of(context_, run_child(std::move(command))).code(), ErrorCode::rejected);
  EXPECT_TRUE(gone(pid_in("pid")));
}

TEST_F(ChildProcess, CancellingKillsTheGroup) {
  const auto ignore = [](ChildCommand command) -> asio::awaitable<void> { co_await run_child(std::move(command)); };
  test::Background background(context_, ignore(shell("echo $$ > " + (temp_ / "pid").string() + "; sleep 60")));
  ASSERT_TRUE(test::run_until(context_, [&] { return pid_in("pid") > 0; }));
  EXPECT_TRUE(background.stop());
  EXPECT_EQ(background.failure()->code(), ErrorCode::cancelled);
  EXPECT_TRUE(gone(pid_in("pid")));
}

TEST_F(ChildProcess, OneLeftBehindDoesNotHoldUpTheAnswer) {
  const auto begin = steady_clock::now();
  const ChildResult result =
      test::run(context_, run_child(shell("sleep 30 & echo $! > " + (temp_ / "pid").string() + "; echo done")));
  EXPECT_EQ(result.output, "done\n");
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(25)) << "it waited for the other one";
  ::kill(pid_in("pid"), SIGKILL);
}

// strace that was stopped with Ctrl-Z: even when it was killed, the child cannot be reaped.
TEST_F(ChildProcess, OneThatADebuggerHoldsHoldsNobodyUp) {
  using namespace std::chrono_literals;
  struct Case {
    const char* end;
    std::chrono::seconds patience;
    const char* problem;
  };
  for (const auto& [end, patience, problem] :
       {Case{"exec sleep 3", 20s, "another program holds it"}, Case{"exec sleep 60", 2s, "did not end within"}}) {
    std::filesystem::remove(temp_ / "pid");
    const pid_t debugger = ::fork();
    if (debugger == 0) {
      pid_t held = 0;
      while (held == 0) {
        held = pid_in("pid");
      }
      ::_exit(::ptrace(PTRACE_SEIZE, held, nullptr, nullptr) == 0 ? ::pause() : 1);
    }
    ChildCommand command = shell("echo $$ > " + (temp_ / "pid").string() + "; " + end);
    command.timeout = patience;
    const auto begin = steady_clock::now();
    EXPECT_THAT(test::error_of(context_, run_child(std::move(command))).message(), testing::HasSubstr(problem));
    EXPECT_LT(steady_clock::now() - begin, 20s);
    ::kill(debugger, SIGKILL);
    ::waitpid(debugger, nullptr, 0);
  }
}

TEST_F(ChildProcess, OnlyTheStandardDescriptorsReachIt) {
  const ChildResult result = test::run(context_, run_child(shell("ls /proc/self/fd | wc -l")));
  EXPECT_EQ(number(result.output), 4) << "three, and the one that lists them";
}

TEST_F(ChildProcess, TheFileLimitThatWasInheritedIsItsOwnAndOursStaysRaised) {
  const auto soft_limit = [] {
    rlimit limit{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
  };
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  raise_file_limit();
  const rlim_t raised = soft_limit();
  std::atomic<bool> over = false;
  std::atomic<rlim_t> least = raised;
  std::thread other([&] {
    while (!over) {
      least = std::min(least.load(), soft_limit());
    }
  });
  for (int i = 0; i < 5; ++i) {
    const auto result = test::run(context_, run_child(shell("while [ $(ulimit -n) != 256 ]; do sleep 0.01; done")));
    EXPECT_EQ(result.exit_code, 0);
  }
  over = true;
  other.join();
  EXPECT_EQ(least.load(), raised) << "what another thread opens may fail";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(ChildProcess, OneInTurnWaitsForAnotherButNotForOneThatTakesLong) {
  Limiter one(1);
  const auto done = temp_ / "done";
  std::vector<std::string> order;
  const auto run = [&](std::string script) -> asio::awaitable<void> {
    ChildCommand command = shell(std::move(script));
    const ChildResult result = co_await run_child_in_turn(one, std::move(command));
    order.push_back(result.output);
  };
  const test::Background slow(context_,
                              run("while ! [ -e '" + done.string() + "' ]; do sleep 0.01; done; printf slow"));
  const test::Background quick(context_, run("printf quick"));
  EXPECT_FALSE(test::run_until(
      context_, [&] { return quick.done(); }, std::chrono::milliseconds(200)))
      << "a turn lasts a second";
  EXPECT_TRUE(test::run_until(context_, [&] { return quick.done(); }));
  temp_.write("done", "");
  EXPECT_TRUE(test::run_until(context_, [&] { return slow.done(); }));
  EXPECT_EQ(order, (std::vector<std::string>{"quick", "slow"}));
}

TEST_F(ChildProcess, TheEnvironmentIsOursAndTheGiven) {
  ChildCommand command = shell("echo $GIVEN; test -n \"$PATH\" && echo ours");
  command.environment = {{"GIVEN", "given"}};
  EXPECT_EQ(test::run(context_, run_child(std::move(command))).output, "given\nours\n");
}

TEST_F(ChildProcess, TheLoopGoesOnMeanwhile) {
  const std::string file = temp_ / "file";
  const auto write_later = [](std::string path) -> asio::awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(50));
    co_await timer.async_wait(asio::use_awaitable);
    std::ofstream(path) << "written";
  };
  const test::Background meanwhile(context_, write_later(file));
  const auto child = test::run(context_, run_child(shell("until [ -s " + file + " ]; do sleep 0.01; done; echo seen")));
  EXPECT_EQ(child.output, "seen\n");
}

}  // namespace
}  // namespace regsync
