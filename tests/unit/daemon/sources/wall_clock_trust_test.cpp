#include "daemon/sources/wall_clock_trust.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

using namespace std::chrono_literals;

class WallClockTrustTest : public testing::Test {
 protected:
  // Time passes, asleep or not; the wall clock is set forward, or back, on top of that.
  bool holds_after(std::chrono::seconds time, std::chrono::seconds set_by = 0s) {
    now_ = {.wall = now_.wall + time + set_by, .boot = now_.boot + time};
    return trust_.holds(now_);
  }

  WallClockTrust::Moment now_{.wall = std::chrono::system_clock::time_point(1'790'000'000s),
                              .boot = BoottimeClock::time_point(100s)};
  WallClockTrust trust_{24h, now_};
};

TEST_F(WallClockTrustTest, AClockIsInDoubtForAnHourAfterTheStart) {
  EXPECT_FALSE(holds_after(1min));
  EXPECT_TRUE(holds_after(1h));
  EXPECT_TRUE(holds_after(72h)) << "a sleep is no jump";
}

TEST_F(WallClockTrustTest, AClockThatJumpedForwardIsInDoubtForADay) {
  EXPECT_TRUE(holds_after(1h));
  EXPECT_FALSE(holds_after(1h, 24h));
  EXPECT_FALSE(holds_after(1h));
  EXPECT_FALSE(holds_after(1h, -24h)) << "it was wrong; whether it is right now is not known either";
  EXPECT_TRUE(holds_after(24h));
}

TEST_F(WallClockTrustTest, AClockThatIsSetBackOrCorrectedALittleIsInNoDoubt) {
  EXPECT_TRUE(holds_after(1h));
  EXPECT_TRUE(holds_after(1h, -24h));
  EXPECT_TRUE(holds_after(1h, 5s));
}

}  // namespace
}  // namespace regsync
