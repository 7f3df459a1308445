#include "sync/model/status_query.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sync/model/sample_report.hpp"

namespace regsync {
namespace {

using test::sample_report;

TEST(StatusQuery, ContextsAndNamespacesSelectRows) {
  const StatusReport dev = selected(sample_report(), {.contexts = {"d*"}, .namespaces = {"team-a"}});
  ASSERT_EQ(dev.rows.size(), 1U);
  EXPECT_EQ(dev.rows[0].name_space, "team-a");
  EXPECT_EQ(dev.contexts.size(), 1U);
  EXPECT_EQ(dev.targets.size(), 1U);
}

TEST(StatusQuery, AContextThatCannotBeReadMayHoldTheNamespace) {
  EXPECT_EQ(selected(sample_report(), {.namespaces = {"team-a"}}).rows.size(), 2U);
}

TEST(StatusQuery, TargetsSelectRows) {
  EXPECT_EQ(selected(sample_report(), {.targets = {"web"}}).rows.size(), 3U);
  const StatusReport ghost = selected(sample_report(), {.targets = {"ghost"}});
  EXPECT_TRUE(ghost.rows.empty());
  ASSERT_EQ(ghost.targets.size(), 1U);
}

TEST(StatusQuery, FailingLeavesOutWhatIsInSync) {
  const StatusReport report = selected(sample_report(), {.failing = true});
  EXPECT_EQ(report.rows.size(), 2U);
  EXPECT_EQ(report.targets.size(), 1U);
}

TEST(StatusQuery, FailingKeepsATargetWithAProblemAndNoRow) {
  StatusReport report = sample_report();
  report.targets.at(0).problems.emplace_back(ErrorCode::login_missing, "no login");
  EXPECT_EQ(selected(report, {.failing = true}).targets.size(), 2U);
  EXPECT_EQ(selected(report, {.contexts = {"dev"}, .failing = true}).targets.size(), 1U)
      << "it has no Secret in that context";
}

TEST(StatusQuery, ASummaryIsSelectedByItsGroups) {
  const StatusReport report = selected(test::summarized(sample_report()), {.contexts = {"prod"}, .summary = true});
  ASSERT_EQ(report.groups.size(), 1U);
  EXPECT_EQ(report.groups[0].context, "prod");
  EXPECT_EQ(report.contexts.size(), 1U);
}

TEST(StatusQuery, APatternThatSelectsNothingIsAnErrorWithTheNearestName) {
  const auto remedy = [](const StatusQuery& query) {
    try {
      selected(sample_report(), query);
    } catch (const Error& error) {
      return error.remedy();
    }
    return std::string("selected");
  };
  EXPECT_EQ(remedy({.contexts = {"prdo"}}), "did you mean \"prod\"?");
  EXPECT_EQ(remedy({.contexts = {"dev"}, .namespaces = {"tema-a"}}), "did you mean \"team-a\"?");
  EXPECT_EQ(remedy({.contexts = {"dev"}, .namespaces = {"team-*"}}), "selected");
  EXPECT_EQ(remedy({.contexts = {"dev", "nonesuch"}}), "there are: dev, prod");
}

TEST(StatusQuery, ATargetThatHasNothingWhereItIsAskedForIsAnError) {
  StatusReport report = sample_report();
  report.targets.push_back({"api", "api", {"ghcr.io"}, false, {}});
  report.rows.push_back(report.rows.at(0));
  report.rows.back().target = "api";
  const auto message = [](const StatusReport& asked, const StatusQuery& query) {
    try {
      selected(asked, query);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("selected");
  };
  EXPECT_EQ(message(report, {.targets = {"api"}, .contexts = {"prod"}}),
            "target \"api\" has no Secret in context \"prod\"");
  EXPECT_EQ(message(test::summarized(report), {.targets = {"web", "api"}, .contexts = {"prod"}, .summary = true}),
            "target \"api\" has no Secret in context \"prod\"");
  EXPECT_EQ(message(report, {.targets = {"api"}, .contexts = {"dev"}, .namespaces = {"team-b", "team-c*"}}),
            "no target has a Secret in namespace \"team-b\"");
  EXPECT_EQ(message(report, {.contexts = {"prod"}}), "selected");
  EXPECT_EQ(message(report, {.targets = {"api"}, .contexts = {"d*"}, .failing = true}), "selected");
}

}  // namespace
}  // namespace regsync
