#include "sync/model/status_report.hpp"

#include <gmock/gmock.h>

namespace regsync {
namespace {

using testing::ElementsAre;

const WallTime noon = std::chrono::system_clock::from_time_t(1'700'000'000);

StatusRow row(const std::string& name_space, SyncState state, std::optional<Error> cause = std::nullopt) {
  StatusRow row;
  row.target = "web";
  row.context = "dev";
  row.name_space = name_space;
  row.state = state;
  row.cause = std::move(cause);
  row.since = noon;
  return row;
}

Error missing(const std::string& name_space) {
  return {ErrorCode::namespace_missing, "namespace " + name_space + " does not exist", "create it"};
}

TEST(StatusReport, WhatIsPausedIsAsAsked) {
  StatusReport report;
  report.rows = {row("a", SyncState::in_sync), row("b", SyncState::paused)};
  report.targets.push_back({.name = "web", .secret = "s", .registries = {}, .problems = {missing("x")}});
  EXPECT_FALSE(report.all_in_sync());
  report.targets[0].paused = true;
  EXPECT_TRUE(report.all_in_sync());
  report.contexts.push_back({.name = "dev", .server = "s", .problem = missing("x")});
  EXPECT_FALSE(report.all_in_sync());
  report.contexts[0].paused = true;
  EXPECT_TRUE(report.all_in_sync());
  report.rows.push_back(row("c", SyncState::retrying));
  EXPECT_FALSE(report.all_in_sync());
}

TEST(StatusReport, ASummaryCountsTheRowsAndNamesTheFirst) {
  StatusReport report;
  report.rows = {row("a", SyncState::in_sync), row("b", SyncState::stuck, missing("b"))};
  for (const char* name_space : {"c", "d", "e"}) {
    report.rows.push_back(row(name_space, SyncState::stuck, missing(name_space)));
  }
  report.rows.push_back(row("f", SyncState::pending));
  report.rows[1].since = noon + std::chrono::seconds(5);
  const bool before = report.all_in_sync();
  report.groups = groups_of(report.rows);
  report.rows.clear();
  EXPECT_EQ(report.all_in_sync(), before);
  EXPECT_TRUE(report.rows.empty());
  ASSERT_EQ(report.groups.size(), 1U);
  EXPECT_EQ(report.groups[0].rows(), 6U);
  EXPECT_EQ(report.groups[0].count(SyncState::stuck), 4U);
  EXPECT_EQ(report.groups[0].since, noon + std::chrono::seconds(5));
  EXPECT_EQ(report.groups[0].reasons, (std::map<std::string, std::size_t>{{"namespace_missing", 4}, {"Pending", 1}}));
  EXPECT_EQ(report.groups[0].failing_since, noon);
  ASSERT_EQ(report.groups[0].causes.size(), 1U);
  const StatusCause& cause = report.groups[0].causes[0];
  EXPECT_EQ(cause.count, 4U);
  EXPECT_FALSE(cause.alike);
  EXPECT_THAT(cause.namespaces, ElementsAre("b", "c", "d"));
}

TEST(StatusReport, EachTargetInEachContextIsAGroup) {
  std::vector<StatusRow> rows(5, row("n", SyncState::stuck));
  rows[0].state = SyncState::in_sync;
  rows[1].context = rows[2].context = rows[3].context = "prod";
  rows[1].since = noon - std::chrono::seconds(50);
  rows[2].state = SyncState::retrying;
  rows[3].state = SyncState::in_sync;
  rows[3].since = noon - std::chrono::seconds(90);
  rows[4].target = "shop";
  const auto groups = groups_of(rows);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_TRUE(groups[0].is_as_asked());
  EXPECT_FALSE(groups[0].failing_since);
  EXPECT_EQ(groups[1].context, "prod");
  EXPECT_EQ(groups[1].states, (StateCounts{{SyncState::stuck, 1}, {SyncState::retrying, 1}, {SyncState::in_sync, 1}}));
  EXPECT_EQ(groups[1].failing_since, noon - std::chrono::seconds(50)) << "of those that fail";
  EXPECT_EQ(groups[2].target, "shop");
  EXPECT_TRUE(groups_of({}).empty());
}

}  // namespace
}  // namespace regsync
