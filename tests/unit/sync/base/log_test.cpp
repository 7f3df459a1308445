#include "sync/base/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

TEST(Log, OnStderrALineSaysWhatItIsAbout) {
  log::open("regsyncd");
  log::set_level(log::Level::info);
  CaptureStderr();
  log::warning("the namespace is missing", {.target = "web", .context = "dev", .name_space = "team-a"});
  log::info("100% {} ready");
  const std::string text = GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("warning the namespace is missing [target=web context=dev namespace=team-a]\n"));
  EXPECT_THAT(text, EndsWith(" 100% {} ready\n"));  // a message is never a format
}

TEST(Log, LevelsChangeAtRunTime) {
  CaptureStderr();
  log::set_level(log::Level::error);
  log::warning("quiet");
  log::set_level(log::parse_level("debug"));
  log::debug("loud");
  const std::string text = GetCapturedStderr();
  EXPECT_THAT(text, testing::Not(HasSubstr("quiet")));
  EXPECT_THAT(text, HasSubstr("loud"));
}

TEST(Log, AnUnknownLevelIsAnError) { EXPECT_THROW(log::parse_level("loud"), Error); }

// Makes stderr a pipe.
class StderrPipe {
 public:
  StderrPipe() : before_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::fcntl(ends_[0], F_SETFL, O_NONBLOCK), 0);
    ::dup2(ends_[1], STDERR_FILENO);
  }
  ~StderrPipe() {
    ::dup2(before_, STDERR_FILENO);
    for (const int fd : {before_, ends_[0], ends_[1]}) {
      ::close(fd);
    }
  }
  StderrPipe(const StderrPipe&) = delete;
  StderrPipe& operator=(const StderrPipe&) = delete;
  StderrPipe(StderrPipe&&) = delete;
  StderrPipe& operator=(StderrPipe&&) = delete;

  // What is in it now.
  [[nodiscard]] std::string read() const {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  std::array<int, 2> ends_{};
  int before_;
};

TEST(Log, AServiceDropsWhatNobodyReadsInsteadOfWaiting) {
  log::open("regsyncd");
  log::set_level(log::Level::info);
  const StderrPipe pipe;
  const std::string line(1000, 'x');
  for (int i = 0; i < 200; ++i) {  // a pipe takes 64 KiB
    log::info(line);
  }
  EXPECT_THAT(pipe.read(), HasSubstr(line));
  log::info("it is read again");
  EXPECT_THAT(pipe.read(), ContainsRegex("^\n?[^\n]* warning lines that are missing here[^\n]*: 1[0-9][0-9]\n"
                                         "[^\n]* it is read again\n$"));
  log::info("and goes on");
  EXPECT_THAT(pipe.read(), ContainsRegex("^[^\n]* and goes on\n$"));
}

}  // namespace
}  // namespace regsync
