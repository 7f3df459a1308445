#include "daemon/desktop/desktop_notices.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace regsync {
namespace {

using namespace std::chrono_literals;

class DesktopNoticesTest : public testing::Test {
 protected:
  static FleetReport stuck_in(const std::vector<std::string>& contexts, WallTime since) {
    FleetReport report;
    for (const std::string& context : contexts) {
      report.overview.groups.push_back(
          {.target = "web",
           .context = context,
           .states = {{SyncState::stuck, 1}},
           .failing_since = since,
           .causes = {{.error = Error(ErrorCode::forbidden, "may not", "ask"), .count = 1}}});
    }
    return report;
  }

  const WallTime then_{std::chrono::hours(1)};
  std::vector<DesktopNotice> shown_;
  DesktopNotices notices_{[this](DesktopNotice notice) { shown_.push_back(std::move(notice)); }};
};

TEST_F(DesktopNoticesTest, ATargetThatIsStuckForAMinuteIsToldOnce) {
  EXPECT_TRUE(notices_.notify_about(stuck_in({"dev"}, then_), then_ + 59s));
  EXPECT_TRUE(shown_.empty());
  EXPECT_TRUE(notices_.notify_about(stuck_in({"dev"}, then_), then_ + 60s));
  notices_.notify_about(stuck_in({"dev", "prod"}, then_), then_ + 90s);
  EXPECT_EQ(shown_, (std::vector<DesktopNotice>{{"regsync: web is stuck", "in dev: may not\nask"}}));

  EXPECT_FALSE(notices_.notify_about({}, then_ + 100s));
  notices_.notify_about(stuck_in({"dev", "prod"}, then_ + 100s), then_ + 200s);
  ASSERT_EQ(shown_.size(), 2U) << "stuck again";
  EXPECT_EQ(shown_[1].text, "in dev and 1 more: may not\nask");
}

TEST_F(DesktopNoticesTest, NothingIsToldWhereThePersonWantsNone) {
  notices_.enable(false);
  notices_.notify_about(stuck_in({"dev"}, then_), then_ + 60s);
  notices_.login_ends("the login ends", "log in");
  EXPECT_TRUE(shown_.empty());
  notices_.enable(true);
  notices_.login_ends("the login ends", "log in");
  EXPECT_EQ(shown_, (std::vector<DesktopNotice>{{"regsync: a login ends", "the login ends\nlog in"}}));
}

}  // namespace
}  // namespace regsync
