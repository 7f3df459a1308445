#include "daemon/sources/file_monitor.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <fstream>
#include <functional>
#include <system_error>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class FileMonitorTest : public testing::TestWithParam<bool> {
 protected:
  bool told() {
    const int before = calls_;
    return test::run_until(io_, [&] { return calls_ > before; });
  }

  test::TempDir root_;
  asio::io_context io_;
  int calls_ = 0;
  FileMonitor monitor_{io_.get_executor(), [this] { ++calls_; }, {.poll_interval = 20ms, .use_inotify = GetParam()}};
};

TEST_P(FileMonitorTest, TellsOfFilesThatAreWrittenRenamedOverAndDeleted) {
  const auto file = root_.path() / "config";
  monitor_.follow({file});
  std::ofstream(file) << "one";
  EXPECT_TRUE(told());
  root_.write("other", "two");
  std::filesystem::rename(root_.path() / "other", file);
  EXPECT_TRUE(told());
  std::filesystem::remove(file);
  EXPECT_TRUE(told());
}

TEST_P(FileMonitorTest, TellsOfFilesInAFolderThatIsMadeLater) {
  const auto folder = root_.path() / "a/targets";
  monitor_.follow({folder});
  std::filesystem::create_directories(folder);
  EXPECT_TRUE(told());
  std::ofstream(folder / "t.yaml") << "x";
  EXPECT_TRUE(told());
}

// As kubelet replaces a mounted Secret: the file is a link through `..data`, which is renamed over. The old folder may
// stay for a while.
TEST_P(FileMonitorTest, TellsOfALinkOnTheWayThatIsSwapped) {
  root_.write("..1/.dockerconfigjson", "one");
  std::filesystem::create_directory_symlink("..1", root_ / "..data");
  std::filesystem::create_symlink("..data/.dockerconfigjson", root_ / ".dockerconfigjson");
  monitor_.follow({root_ / ".dockerconfigjson"});
  root_.write("..2/.dockerconfigjson", "other");
  std::filesystem::create_directory_symlink("..2", root_ / "..data_tmp");
  std::filesystem::rename(root_ / "..data_tmp", root_ / "..data");
  EXPECT_TRUE(told());
}

// As files that a dotfiles manager keeps elsewhere.
TEST_P(FileMonitorTest, TellsOfTheFileThatALinkNamesAlsoWhereItIsMadeLater) {
  const auto file = root_ / "dotfiles/web.yaml";
  std::filesystem::create_directory(root_ / "targets");
  std::filesystem::create_symlink(file, root_ / "targets/web.yaml");
  monitor_.follow({root_ / "targets", root_ / "targets/web.yaml"});
  root_.write("dotfiles/web.yaml", "one");
  EXPECT_TRUE(told());
  root_.write("dotfiles/new", "another");
  std::filesystem::rename(root_ / "dotfiles/new", file);
  EXPECT_TRUE(told());
}

TEST_P(FileMonitorTest, TellsOfAChangeWhileAnotherProgramWritesWithoutEnd) {
  monitor_.follow({root_.path()});
  asio::steady_timer pulse(io_);
  std::function<void(std::error_code)> write = [&](std::error_code ended) {
    if (!ended) {
      std::ofstream(root_.path() / "busy") << "x";
      pulse.expires_after(2ms);
      pulse.async_wait(write);
    }
  };
  write({});
  EXPECT_TRUE(told());
  EXPECT_TRUE(told()) << "and again";
  pulse.cancel();
  io_.poll();
}

TEST_P(FileMonitorTest, SaysWhenNoEventsCanCome) {
  monitor_.follow({root_.path() / "config"});
  EXPECT_EQ(monitor_.problem().has_value(), !GetParam());
  if (monitor_.problem()) {
    EXPECT_NE(monitor_.problem()->message().find("within 1 s"), std::string::npos) << monitor_.problem()->message();
  }
}

TEST_P(FileMonitorTest, AnExceptionOfTheCallDoesNotEndIt) {
  bool thrown = false;
  FileMonitor monitor(io_.get_executor(),
                      [&] {
                        thrown = true;
                        throw std::runtime_error("x");
                      },
                      {.poll_interval = 20ms, .use_inotify = GetParam()});
  monitor.follow({root_.path() / "config"});
  for (const char* text : {"a", "bb"}) {
    thrown = false;
    std::ofstream(root_.path() / "config") << text;
    EXPECT_TRUE(test::run_until(io_, [&] { return thrown; }));
  }
}

// The moment is longer here than the test.
TEST(FileMonitorAtOnce, TellsOfAFileThatIsWholeWithoutWaitingForMore) {
  const test::TempDir root;
  asio::io_context io;
  int calls = 0;
  FileMonitor monitor(io.get_executor(), [&] { ++calls; }, {.settle_time = 1h});
  monitor.follow({root / "config"});
  root.write("other", "one");
  std::filesystem::rename(root / "other", root / "config");
  EXPECT_TRUE(test::run_until(io, [&] { return calls == 1; }));
}

TEST(FileMonitorAtOnce, TellsOfWhatFollowsOnceMore) {
  const test::TempDir root;
  asio::io_context io;
  int calls = 0;
  FileMonitor monitor(io.get_executor(), [&] { ++calls; }, {.settle_time = 100ms});
  monitor.follow({root.path()});
  root.write("config", "one");
  ASSERT_TRUE(test::run_until(io, [&] { return calls == 1; }));
  for (const char* name : {"a", "b", "c"}) {
    root.write(name, "two");
  }
  EXPECT_TRUE(test::run_until(io, [&] { return calls == 2; }));
  EXPECT_FALSE(test::run_until(io, [&] { return calls > 2; }, 300ms));
}

INSTANTIATE_TEST_SUITE_P(Ways, FileMonitorTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Inotify" : "Comparing"; });

}  // namespace
}  // namespace regsync
