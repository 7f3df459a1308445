#include "sync/cli/view/report_selection.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

StatusRow row(const std::string& target, const std::string& context, SyncState state,
              std::optional<ErrorCode> code = std::nullopt) {
  StatusRow made;
  made.target = target;
  made.context = context;
  made.name_space = "team";
  made.secret = "cred";
  made.state = state;
  if (code) {
    made.cause = Error(*code, "why");
  }
  return made;
}

StatusReport report(std::vector<StatusRow> rows) {
  StatusReport made;
  for (const StatusRow& each : rows) {
    made.targets.emplace_back().name = each.target;
    made.contexts.push_back({each.context, "https://k", true, std::nullopt});
  }
  made.rows = std::move(rows);
  return made;
}

// A question has one answer, whether the rows or their groups are at hand.
template <typename Question>
auto both(Question question, const StatusReport& of) {
  auto answer = question(of);
  EXPECT_EQ(question(test::summarized(of)), answer);
  return answer;
}

TEST(ReportSelection, ItIsReachedWhereEveryRowIsAsAsked) {
  EXPECT_TRUE(both(reached, report({})));
  EXPECT_TRUE(both(reached, report({row("web", "dev", SyncState::in_sync), row("web", "old", SyncState::paused),
                                    row("web", "end", SyncState::terminating)})));
  for (const SyncState state : {SyncState::pending, SyncState::retrying, SyncState::stuck, SyncState::removing}) {
    EXPECT_FALSE(both(reached, report({row("web", "dev", SyncState::in_sync), row("web", "prod", state)})));
  }
}

TEST(ReportSelection, ATargetWithAProblemIsNotReachedUnlessItIsPaused) {
  StatusReport faulty = report({row("web", "dev", SyncState::in_sync)});
  faulty.targets[0].problems.emplace_back(ErrorCode::login_missing, "no login");
  EXPECT_FALSE(both(reached, faulty));
  EXPECT_TRUE(both(is_stuck, faulty));
  faulty.targets[0].paused = true;
  EXPECT_TRUE(both(reached, faulty));
  EXPECT_FALSE(both(is_stuck, faulty));
}

TEST(ReportSelection, WhatIsBeingWorkedOnIsWorthWaitingFor) {
  for (const SyncState state : {SyncState::in_sync, SyncState::pending, SyncState::retrying, SyncState::removing}) {
    EXPECT_FALSE(both(is_stuck, report({row("web", "dev", state)}))) << to_string(state);
  }
  EXPECT_TRUE(both(is_stuck, report({row("web", "dev", SyncState::stuck)})));
}

TEST(ReportSelection, ALockedKeyringHoldsUpOnlyWhatIsPending) {
  StatusReport locked = report({row("web", "dev", SyncState::in_sync)});
  locked.store = Error(ErrorCode::locked, "locked");
  EXPECT_TRUE(both(reached, locked));
  EXPECT_FALSE(both(is_stuck, locked));
  locked.rows[0].state = SyncState::pending;
  EXPECT_TRUE(both(is_stuck, locked));
}

TEST(ReportSelection, AContextThatCannotBeUsedHoldsUpOnlyWhatIsNotAsAskedThere) {
  StatusReport cut_off = report({row("web", "prod", SyncState::retrying), row("web", "dev", SyncState::in_sync)});
  cut_off.contexts[0].problem = Error(ErrorCode::unreachable, "refused");
  EXPECT_TRUE(both(is_stuck, cut_off));
  cut_off.contexts[0].paused = true;
  EXPECT_FALSE(both(is_stuck, cut_off));
  cut_off.contexts[0].paused = false;
  cut_off.rows[0].state = SyncState::in_sync;
  EXPECT_FALSE(both(is_stuck, cut_off));
}

TEST(ReportSelection, SaysWhatItWaitsForAndWhy) {
  EXPECT_EQ(both(waited_for, report({})), "0 of 0 Secrets in sync");
  EXPECT_EQ(both(waited_for, report({row("web", "dev", SyncState::in_sync), row("web", "old", SyncState::paused)})),
            "1 of 1 Secret in sync");
  EXPECT_EQ(both(waited_for, report({row("web", "dev", SyncState::in_sync),
                                     row("web", "prod", SyncState::retrying, ErrorCode::unreachable)})),
            "1 of 2 Secrets in sync; waiting for web in prod (Unreachable)");
  std::vector<StatusRow> many;
  for (const char* context : {"a", "b", "c", "d", "e"}) {
    many.push_back(row("web", context, SyncState::pending));
  }
  EXPECT_EQ(
      both(waited_for, report(many)),
      "0 of 5 Secrets in sync; waiting for web in a (Pending), web in b (Pending), web in c (Pending) and 2 more");
}

// As a daemon of another version may tell them.
TEST(ReportSelection, AGroupThatGivesNoReasonIsStillNamed) {
  StatusReport odd = test::summarized(report({row("web", "prod", SyncState::stuck)}));
  odd.groups[0].reasons.clear();
  EXPECT_EQ(waited_for(odd), "0 of 1 Secret in sync; waiting for web in prod");
}

TEST(ReportSelection, ASummaryCountsWhatIsNotInSyncByWhy) {
  StatusReport mixed = report({row("web", "dev", SyncState::in_sync), row("web", "prod", SyncState::stuck),
                               row("web", "old", SyncState::paused), row("web", "end", SyncState::terminating)});
  mixed.targets.resize(1);
  EXPECT_EQ(both(summary, mixed), "1 target: 1 Secret in sync, 1 not, 1 paused, 1 in namespaces that end");
}

}  // namespace
}  // namespace regsync::cli
