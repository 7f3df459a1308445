#include "daemon/http/fleet_document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace regsync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

FleetReport report_of(std::size_t contexts, std::size_t targets) {
  FleetReport report;
  report.overview.version = "1.2.3";
  report.overview.owner = "id me@here";
  report.overview.environment = {{"PATH", "/home/me/bin"}};
  report.overview.logins = {{"ghcr.io", "octocat"}};
  for (std::size_t t = 0; t < targets; ++t) {
    TargetStatus target;
    target.name = "target-" + std::to_string(t);
    report.overview.targets.push_back(target);
    for (std::size_t c = 0; c < contexts; ++c) {
      report.overview.groups.push_back(
          {.target = target.name, .context = "context-" + std::to_string(c), .states = {{SyncState::in_sync, 50}}});
    }
  }
  for (std::size_t c = 0; c < contexts; ++c) {
    report.overview.contexts.push_back(
        {.name = "context-" + std::to_string(c), .server = "https://example", .connected = true, .problem = {}});
  }
  return report;
}

TEST(FleetDocument, NamesEachCauseOnce) {
  FleetReport report = report_of(2, 2);
  for (StatusGroup& group : report.overview.groups) {
    group.states = {{SyncState::in_sync, 1}, {SyncState::stuck, 2}};
    group.failing_since = WallTime(60s);
    group.causes = {{.error = Error(ErrorCode::forbidden, "no right", "ask"), .count = 2}};
  }
  const json document = json::parse(fleet_document(report));
  EXPECT_EQ(document["kind"], "Fleet");
  EXPECT_EQ(document["causes"], json::parse(R"([{"code": "forbidden", "message": "no right", "remedy": "ask"}])"));
  EXPECT_EQ(document["cells"][3], json::parse("[1, 1, [1, 0, 0, 2], 60, null, [[0, 2]]]"));
  EXPECT_EQ(document["states"][3], "Stuck");
}

TEST(FleetDocument, HasAPlaceForAContextThatIsInNoKubeconfig) {
  FleetReport report = report_of(1, 1);
  report.overview.groups[0].context = "vanished";
  const json document = json::parse(fleet_document(report));
  EXPECT_EQ(document["contexts"][document["cells"][0][1].get<std::size_t>()]["name"], "vanished");
}

TEST(FleetDocument, TellsHowLoginsAreAndWhenTheyEnd) {
  FleetReport report = report_of(1, 1);
  report.logins = {{.registry = "ghcr.io", .expires = {}, .problem = {}},
                   {.registry = "gcr.io",
                    .helper = "docker-credential-gcloud",
                    .in_doubt = true,
                    .expires = WallTime(500s),
                    .problem = Error(ErrorCode::credential_plugin, "no login", "try it")}};
  EXPECT_EQ(json::parse(fleet_document(report))["logins"], json::parse(R"([
    {"registry": "ghcr.io", "inDoubt": false},
    {"registry": "gcr.io", "inDoubt": true, "helper": "docker-credential-gcloud", "expires": 500,
     "problem": {"code": "credential_plugin", "message": "no login", "remedy": "try it"}}])"));
}

TEST(FleetDocument, SaysWhatIsPaused) {
  FleetReport report = report_of(2, 2);
  report.overview.contexts[0].paused = true;
  report.overview.targets[1].paused = true;
  const json document = json::parse(fleet_document(report));
  EXPECT_EQ(document["contexts"][0]["paused"], true);
  EXPECT_FALSE(document["contexts"][1].contains("paused"));
  EXPECT_FALSE(document["targets"][0].contains("paused"));
  EXPECT_EQ(document["targets"][1]["paused"], true);
}

TEST(FleetDocument, AContextThatComesLaterDoesNotHideHowTheOthersAre) {
  FleetReport report = report_of(1, 1);
  report.overview.contexts[0].connected = false;
  EXPECT_EQ(json::parse(fleet_document(report))["ready"], false) << "the first list is being made";
  report.was_complete = true;
  const json document = json::parse(fleet_document(report));
  EXPECT_EQ(document["ready"], true);
  EXPECT_EQ(document["contexts"][0]["connected"], false);
}

TEST(FleetDocument, OneThatTakesOverNeitherStandsByNorIsReady) {
  FleetReport report = report_of(1, 1);
  report.role = "takes over";
  report.waits_for = {"the footprints"};
  const json document = json::parse(fleet_document(report));
  EXPECT_EQ(document["ready"], false);
  EXPECT_EQ(document["standsBy"], false);
}

TEST(FleetDocument, ShowsNoUserNameAndNothingOfTheProcess) {
  const FleetReport report = report_of(1, 1);
  for (const std::string& text : {fleet_document(report), fleet_metrics(report, WallTime(0s))}) {
    EXPECT_THAT(text, Not(HasSubstr("octocat")));
    EXPECT_THAT(text, Not(HasSubstr("/home/me")));
    EXPECT_THAT(text, Not(HasSubstr("me@here")));
  }
}

TEST(FleetDocument, IsSmallForAThousandClusters) { EXPECT_LT(fleet_document(report_of(1000, 20)).size(), 500U * 1024); }

TEST(FleetMetrics, TellStatesAndTheLastSuccess) {
  FleetReport report = report_of(1, 2);
  report.overview.groups[1].states = {{SyncState::in_sync, 3}, {SyncState::stuck, 4}};
  report.overview.groups[1].last_in_sync = WallTime(700s);
  const std::string text = fleet_metrics(report, WallTime(1000s));
  for (const char* line : {"regsync_build_info{version=\"1.2.3\"} 1\n",
                           "regsync_secrets{target=\"target-0\",context=\"context-0\",state=\"InSync\"} 50\n",
                           "regsync_secrets{target=\"target-1\",context=\"context-0\",state=\"Stuck\"} 4\n",
                           "regsync_last_success_timestamp_seconds{target=\"target-0\",context=\"context-0\"} 1000\n",
                           "regsync_last_success_timestamp_seconds{target=\"target-1\",context=\"context-0\"} 700\n",
                           "regsync_context_connected{context=\"context-0\"} 1\n",
                           "regsync_target_problems{target=\"target-0\"} 0\n", "regsync_logins_readable 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

// Else an alert would fire for what a person asked for.
TEST(FleetMetrics, TellNothingWrongOfWhatIsPaused) {
  FleetReport report = report_of(2, 2);
  for (ContextStatus& context : report.overview.contexts) {
    context.connected = false;
    context.problem = Error(ErrorCode::unreachable, "refused");
  }
  report.overview.contexts[0].paused = true;
  for (TargetStatus& target : report.overview.targets) {
    target.problems = {Error(ErrorCode::login_missing, "gone")};
  }
  report.overview.targets[0].paused = true;
  const std::string text = fleet_metrics(report, WallTime(0s));
  EXPECT_THAT(text, Not(HasSubstr("regsync_context_connected{context=\"context-0\"}")));
  EXPECT_THAT(text, HasSubstr("regsync_context_connected{context=\"context-1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("regsync_target_problems{target=\"target-0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("regsync_target_problems{target=\"target-1\"} 1\n"));
}

// What an alert compares: a slot that nobody leads is in no replica's report.
TEST(FleetMetrics, TellHowManySlotsThereAreAndAreHeld) {
  FleetReport report = report_of(1, 1);
  EXPECT_THAT(fleet_metrics(report, WallTime(0s)), HasSubstr("\nregsync_slots_held 1\n"));
  EXPECT_THAT(fleet_metrics(report, WallTime(0s)), HasSubstr("\nregsync_slots 0\n"))
      << "several that are no replicas of each other are not too many for one";
  report.role = "leads 2 of 4 slots";
  report.slots = 4;
  report.slots_held = 2;
  EXPECT_THAT(fleet_metrics(report, WallTime(0s)), HasSubstr("\nregsync_slots_held 2\n"));
  EXPECT_THAT(fleet_metrics(report, WallTime(0s)), HasSubstr("\nregsync_slots 4\n"));
}

// One alert for one fault, however many targets it concerns.
TEST(FleetMetrics, TellOnceThatTheContextsCannotBeRead) {
  FleetReport report = report_of(1, 2);
  EXPECT_THAT(fleet_metrics(report, WallTime(0s)), HasSubstr("\nregsync_contexts_readable 1\n"));
  report.contexts_problem = Error(ErrorCode::unreachable, "the hub does not answer");
  for (TargetStatus& target : report.overview.targets) {
    target.problems = {*report.contexts_problem};
  }
  report.overview.targets[1].problems.emplace_back(ErrorCode::login_missing, "gone");
  const std::string text = fleet_metrics(report, WallTime(0s));
  EXPECT_THAT(text, HasSubstr("\nregsync_contexts_readable 0\n"));
  EXPECT_THAT(text, HasSubstr("regsync_target_problems{target=\"target-0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("regsync_target_problems{target=\"target-1\"} 1\n"));
}

TEST(FleetMetrics, TellThatSomethingMustBeReadFirst) {
  FleetReport report = report_of(1, 1);
  EXPECT_THAT(fleet_metrics(report, WallTime(0s)), HasSubstr("\nregsync_waiting 0\n"));
  report.waits_for = {"the footprints"};
  EXPECT_THAT(fleet_metrics(report, WallTime(0s)), HasSubstr("\nregsync_waiting 1\n"));
}

TEST(FleetMetrics, HaveAsManySeriesAsTheConfigurationHasPairs) {
  FleetReport report = report_of(100, 10);
  for (StatusGroup& group : report.overview.groups) {
    for (const SyncState state : sync_states) {
      group.states[state] = 1;
    }
  }
  const std::string text = fleet_metrics(report, WallTime(0s));
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  EXPECT_LT(lines, 100U * 10 * (sync_states.size() + 1) + 100 + 10 + 30);
}

}  // namespace
}  // namespace regsync
