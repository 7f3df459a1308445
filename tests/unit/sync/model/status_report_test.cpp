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
  report.causes = causes_of(report.rows);
  report.rows.clear();
  EXPECT_EQ(report.all_in_sync(), before);
  EXPECT_TRUE(report.rows.empty());
  ASSERT_EQ(report.groups.size(), 1U);
  EXPECT_EQ(report.groups[0].rows(), 6U);
  EXPECT_EQ(report.groups[0].count(SyncState::stuck), 4U);
  EXPECT_EQ(report.groups[0].since, noon + std::chrono::seconds(5));
  EXPECT_EQ(report.groups[0].reasons, (std::map<std::string, std::size_t>{{"namespace_missing", 4}, {"Pending", 1}}));
  ASSERT_EQ(report.causes.size(), 1U);
  EXPECT_EQ(report.causes[0].count, 4U);
  EXPECT_FALSE(report.causes[0].alike);
  EXPECT_THAT(report.causes[0].namespaces, ElementsAre("b", "c", "d"));
}

}  // namespace
}  // namespace regsync
