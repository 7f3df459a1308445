#include "tests/support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(Process, GivesInputAndEnvironmentAndKeepsTheOutputsApart) {
  const auto outcome = run_program({.argv = {"sh", "-c", "cat; echo $WORD >&2; exit 3"},
                                    .env = {{"PATH", "/usr/bin:/bin"}, {"WORD", "aside"}},
                                    .in = "said"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "said");
  EXPECT_EQ(outcome.err, "aside\n");
}

TEST(Process, SaysWhatCannotBeExecuted) {
  const auto outcome = run_program({.argv = {"/nowhere/at-all"}, .env = {}, .in = {}, .directory = {}});
  EXPECT_EQ(outcome.exit_code, 127);
  EXPECT_THAT(outcome.err, HasSubstr("/nowhere/at-all"));
}

TEST(Process, EndsAtTheDeadlineWithItsChildren) {
  const TempDir temp;
  const auto outcome = run_program({.argv = {"sh", "-c", "sleep 60 & echo $! >child; wait"},
                                    .env = own_environment(),
                                    .in = {},
                                    .directory = temp.path()},
                                   milliseconds(300));
  EXPECT_EQ(outcome.exit_code, -1);
  const auto status = "/proc/" + std::to_string(std::stoi(read_file(temp / "child"))) + "/stat";
  EXPECT_TRUE(wait_until(
      [&] { return !std::filesystem::exists(status) || read_file(status).find(") Z") != std::string::npos; }));
}

TEST(Process, ReportsTheSignalThatEndedIt) {
  Process process({.argv = {"sleep", "60"}, .env = own_environment(), .in = {}});
  EXPECT_TRUE(process.running());
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(milliseconds(5000)), 128 + SIGTERM);
}

TEST(Sandbox, ShowsNothingOfThePersonsOwn) {
  const TempDir home;
  setenv("DOCKER_CONFIG", "/somewhere", 1);
  const auto env = sandbox(home);
  EXPECT_FALSE(env.contains("DOCKER_CONFIG"));
  EXPECT_FALSE(env.contains("DBUS_SESSION_BUS_ADDRESS"));
  EXPECT_EQ(env.at("HOME"), home.path().string());
}

}  // namespace
}  // namespace regsync::test
