#include "sync/model/fleet_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace regsync {
namespace {

using namespace std::chrono_literals;

StatusRow row(const std::string& target, const std::string& context, const std::string& name_space, SyncState state,
              std::optional<ErrorCode> cause = std::nullopt, WallTime since = WallTime(100s)) {
  StatusRow made;
  made.target = target;
  made.context = context;
  made.name_space = name_space;
  made.state = state;
  made.since = since;
  if (cause) {
    made.cause = Error(*cause, "namespace " + name_space);
  }
  return made;
}

// rows: sorted by target and context.
void add_cells(const std::vector<StatusRow>& rows, std::vector<FleetCell>& cells) {
  for (auto row = rows.begin(); row != rows.end();) {
    const auto end = std::find_if(row, rows.end(), [&](const StatusRow& other) {
      return other.target != row->target || other.context != row->context;
    });
    cells.push_back(cell_of({row, end}).value());
    row = end;
  }
}

TEST(FleetReport, CountsTheRowsOfEachTargetInEachContext) {
  FleetReport report;
  add_cells({row("a", "dev", "n1", SyncState::in_sync), row("a", "dev", "n2", SyncState::in_sync),
             row("a", "prod", "n1", SyncState::stuck, ErrorCode::forbidden, WallTime(70s)),
             row("a", "prod", "n2", SyncState::stuck, ErrorCode::forbidden, WallTime(50s)),
             row("a", "prod", "n3", SyncState::retrying, ErrorCode::server_error)},
            report.cells);
  add_cells({row("b", "dev", "n1", SyncState::pending)}, report.cells);

  ASSERT_EQ(report.cells.size(), 3U);
  EXPECT_TRUE(report.cells[0].in_sync());
  EXPECT_FALSE(report.cells[0].since);
  const FleetCell& prod = report.cells[1];
  EXPECT_EQ(prod.context, "prod");
  EXPECT_EQ(prod.in(SyncState::stuck), 2U);
  EXPECT_EQ(prod.in(SyncState::retrying), 1U);
  EXPECT_EQ(prod.since, WallTime(50s));
  EXPECT_FALSE(cell_of({}));
}

TEST(FleetReport, TheSummaryNamesTheStatesThatPeopleCareFor) {
  SecretCounts secrets{};
  secrets.at(static_cast<std::size_t>(SyncState::in_sync)) = 2;
  secrets.at(static_cast<std::size_t>(SyncState::stuck)) = 2;
  secrets.at(static_cast<std::size_t>(SyncState::retrying)) = 1;
  secrets.at(static_cast<std::size_t>(SyncState::pending)) = 1;
  EXPECT_EQ(summary_of(secrets), "2/6 in sync, 2 stuck, 1 retrying");
}

TEST(FleetReport, CausesWithOneCodeAreOneWhateverTheirNumber) {
  std::vector<StatusRow> rows;
  rows.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    rows.push_back(row("a", "dev", "n" + std::to_string(i), SyncState::stuck, ErrorCode::forbidden));
  }
  std::vector<FleetCell> cells;
  add_cells(rows, cells);
  ASSERT_EQ(cells.size(), 1U);
  ASSERT_EQ(cells[0].causes.size(), 1U);
  EXPECT_EQ(cells[0].causes[0].secrets, 1000U);
  EXPECT_EQ(cells[0].causes[0].error.message(), "namespace n0");
}

TEST(FleetReport, RemembersWhenACellWasLastInSync) {
  FleetReport good;
  add_cells({row("a", "dev", "n", SyncState::in_sync), row("a", "prod", "n", SyncState::stuck)}, good.cells);
  FleetReport bad;
  add_cells({row("a", "dev", "n", SyncState::stuck), row("a", "edge", "n", SyncState::stuck),
             row("a", "prod", "n", SyncState::stuck)},
            bad.cells);
  carry_last_in_sync(good, bad, WallTime(500s));
  EXPECT_EQ(bad.cells[0].last_in_sync, WallTime(500s));
  EXPECT_FALSE(bad.cells[1].last_in_sync);
  EXPECT_FALSE(bad.cells[2].last_in_sync);

  FleetReport still_bad;
  add_cells({row("a", "dev", "n", SyncState::retrying)}, still_bad.cells);
  carry_last_in_sync(bad, still_bad, WallTime(900s));
  EXPECT_EQ(still_bad.cells[0].last_in_sync, WallTime(500s));
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
