#include "sync/cli/view/summary_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace regsync::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SummaryLinesTest : public testing::Test {
 protected:
  // A target's Secrets in one context: this many in a state, for a reason where they are not as asked.
  void add(const std::string& target, const std::string& context, SyncState state, std::size_t count,
           const std::string& reason = "") {
    if (report_.targets.empty() || report_.targets.back().name != target) {
      report_.targets.push_back({.name = target, .secret = target, .registries = {}, .problems = {}});
    }
    StatusGroup group{.target = target, .context = context};
    group.states[state] = count;
    if (!reason.empty()) {
      group.reasons[reason] = count;
    }
    group.since = WallTime(std::chrono::seconds(report_.groups.size()));
    report_.groups.push_back(std::move(group));
  }
  [[nodiscard]] std::vector<std::string> shown(std::size_t most, Order order = Order::name) const {
    std::vector<std::string> texts;
    for (const auto& line : summary_lines(report_, order, most).lines) {
      std::string text;
      for (const auto& target : line.targets) {
        text += target + " ";
      }
      text += "|";
      for (const auto& context : line.contexts) {
        text += " " + context;
      }
      texts.push_back(text + " | " + line.status());
    }
    return texts;
  }

  StatusReport report_;
};

TEST_F(SummaryLinesTest, EachTargetInEachContextHasItsLineWhereThereIsRoom) {
  add("a", "c1", SyncState::in_sync, 3);
  add("a", "c2", SyncState::stuck, 2, "namespace_missing");
  EXPECT_THAT(shown(10), ElementsAre("a | c1 | InSync", "a | c2 | NamespaceMissing (2)"));
  EXPECT_FALSE(summary_lines(report_, Order::name, 10).folded);
}

TEST_F(SummaryLinesTest, WhatFailsComesFirst) {
  add("a", "c1", SyncState::in_sync, 3);
  add("b", "c1", SyncState::stuck, 1, "forbidden");
  EXPECT_THAT(shown(10, Order::failing_first), ElementsAre("b | c1 | Forbidden", "a | c1 | InSync"));
}

TEST_F(SummaryLinesTest, TheLatestChangeComesFirstWhereThatIsAsked) {
  add("a", "c1", SyncState::in_sync, 1);
  add("b", "c1", SyncState::in_sync, 1);
  EXPECT_THAT(shown(10, Order::latest_first), ElementsAre("b | c1 | InSync", "a | c1 | InSync"));
}

TEST_F(SummaryLinesTest, ContextsInSyncBecomeOneLineBeforeThoseThatFail) {
  for (const char* context : {"c1", "c2", "c3"}) {
    add("a", context, SyncState::in_sync, 1);
  }
  add("a", "c4", SyncState::stuck, 1, "forbidden");
  add("a", "c5", SyncState::stuck, 1, "forbidden");
  EXPECT_THAT(shown(3), ElementsAre("a | c1 c2 c3 | InSync", "a | c4 | Forbidden", "a | c5 | Forbidden"));
  EXPECT_THAT(shown(2), ElementsAre("a | c1 c2 c3 | InSync", "a | c4 c5 | Forbidden (2)"));
}

TEST_F(SummaryLinesTest, TargetsBecomeOneLineWhenTheirContextsAreNotEnough) {
  add("a", "c1", SyncState::in_sync, 1);
  add("b", "c1", SyncState::in_sync, 1);
  add("b", "c2", SyncState::stuck, 1, "forbidden");
  EXPECT_THAT(shown(2), ElementsAre("a b | c1 | InSync", "b | c2 | Forbidden"));
}

TEST_F(SummaryLinesTest, WhatDoesNotFitIsCounted) {
  for (const char* reason : {"forbidden", "namespace_missing", "not_owned"}) {
    add(std::string("t-") + reason, "c1", SyncState::stuck, 1, reason);
  }
  const auto lines = summary_lines(report_, Order::name, 2);
  EXPECT_EQ(lines.lines.size(), 2U);
  EXPECT_EQ(lines.left_out, 1U);
}

TEST_F(SummaryLinesTest, ATargetWithoutASecretSaysWhy) {
  report_.targets.push_back({.name = "none", .secret = "none", .registries = {}, .problems = {}});
  report_.targets.push_back(
      {.name = "torn", .secret = "torn", .registries = {}, .problems = {Error(ErrorCode::invalid_input, "line 1")}});
  EXPECT_THAT(shown(10), ElementsAre("none | | selects no namespace", "torn | | InvalidInput"));
}

TEST_F(SummaryLinesTest, NothingIsNoLine) { EXPECT_THAT(shown(10), IsEmpty()); }

TEST_F(SummaryLinesTest, TheReasonOfMostSecretsIsNamedFirst) {
  StatusGroup group{.target = "a", .context = "c"};
  group.states = {{SyncState::stuck, 4}};
  group.reasons = {{"forbidden", 1}, {"namespace_missing", 3}};
  report_.targets.push_back({.name = "a", .secret = "a", .registries = {}, .problems = {}});
  report_.groups.push_back(group);
  EXPECT_THAT(shown(10), ElementsAre("a | c | NamespaceMissing (3), Forbidden (1)"));
}

}  // namespace
}  // namespace regsync::cli
