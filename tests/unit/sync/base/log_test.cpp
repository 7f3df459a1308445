#include "sync/base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

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

}  // namespace
}  // namespace regsync
