#include "sync/model/fleet_report.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

using namespace std::chrono_literals;

StatusRow row(const std::string& target, const std::string& context, const std::string& name_space, SyncState state) {
  StatusRow made;
  made.target = target;
  made.context = context;
  made.name_space = name_space;
  made.state = state;
  return made;
}

FleetReport report_of(const std::vector<StatusRow>& rows) {
  FleetReport report;
  report.overview.groups = groups_of(rows);
  return report;
}

TEST(FleetReport, TheSummaryNamesTheStatesThatPeopleCareFor) {
  EXPECT_EQ(
      summary_of({{SyncState::in_sync, 2}, {SyncState::stuck, 2}, {SyncState::retrying, 1}, {SyncState::pending, 1}}),
      "2/6 in sync, 2 stuck, 1 retrying");
}

TEST(FleetReport, RemembersWhenAGroupWasLastInSync) {
  const FleetReport good =
      report_of({row("a", "dev", "n", SyncState::in_sync), row("a", "prod", "n", SyncState::stuck)});
  FleetReport bad = report_of({row("a", "dev", "n", SyncState::stuck), row("a", "edge", "n", SyncState::stuck),
                               row("a", "prod", "n", SyncState::stuck)});
  carry_last_in_sync(good, bad, WallTime(500s));
  EXPECT_EQ(bad.overview.groups[0].last_in_sync, WallTime(500s));
  EXPECT_FALSE(bad.overview.groups[1].last_in_sync);
  EXPECT_FALSE(bad.overview.groups[2].last_in_sync);

  FleetReport still_bad = report_of({row("a", "dev", "n", SyncState::retrying)});
  carry_last_in_sync(bad, still_bad, WallTime(900s));
  EXPECT_EQ(still_bad.overview.groups[0].last_in_sync, WallTime(500s));
}

TEST(FleetReport, AContextThatComesLaterTakesNoReplicaOutOfService) {
  FleetReport first;
  FleetReport second;
  second.overview.contexts = {{.name = "new", .server = "s", .connected = false, .problem = {}}};
  EXPECT_FALSE(second.ready()) << "it was there from the start";
  carry_completeness(first, second);
  EXPECT_TRUE(second.ready());
  EXPECT_FALSE(second.is_complete());
  FleetReport third = second;
  carry_completeness(second, third);
  EXPECT_TRUE(third.ready()) << "for as long as its list lasts";
  third.waits_for = {"the lease regsync"};
  EXPECT_FALSE(third.ready()) << "it neither leads nor stands by";
}

TEST(FleetReport, IsReadyOnceEachContextWasListedOrCannotBe) {
  FleetReport report;
  EXPECT_TRUE(report.ready());
  report.overview.contexts = {{.name = "dev", .server = "s", .connected = true, .problem = {}},
                              {.name = "prod", .server = "s", .connected = false, .problem = {}}};
  EXPECT_FALSE(report.ready());
  report.overview.contexts[1].problem = Error(ErrorCode::unreachable, "no route");
  EXPECT_TRUE(report.ready());
}

}  // namespace
}  // namespace regsync
