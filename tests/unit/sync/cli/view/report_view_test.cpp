#include "sync/cli/view/report_view.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sync/control/messages.hpp"
#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

using test::FakeConsole;
using test::sample_report;

TEST(ReportView, TableShowsEachProblemOnceWithItsRemedy) {
  EXPECT_EQ(render_table(sample_report(), {.now = FakeConsole::noon()}),
            "TARGET   CONTEXT   NAMESPACE   STATE      SINCE    CAUSE\n"
            "web      dev       team-a      InSync     60s      <none>\n"
            "web      dev       team-b      Stuck      5s       NamespaceMissing\n"
            "web      prod      *           Retrying   2m3s     Unreachable\n"
            "ghost    -         -           NoMatch    <none>   selects no namespace\n"
            "\n"
            "cannot connect to prod:6443: refused (context prod)\n"
            "  -> start the cluster\n"
            "\n"
            "namespace team-b does not exist (dev/team-b)\n"
            "  -> kubectl --context dev create namespace team-b\n");
}

TEST(ReportView, ADaemonOfAnotherVersionIsNamed) {
  StatusReport report;
  report.version = REGSYNC_VERSION;
  EXPECT_FALSE(version_note(report));
  report.version = "0.0.1";
  ASSERT_TRUE(version_note(report));
  EXPECT_EQ(version_note(report)->message(), "regsyncd is version 0.0.1, regsync is " REGSYNC_VERSION);
  EXPECT_NE(version_note(report)->remedy(), "");
}

TEST(ReportView, WideAddsSecretLastChangeNextTryAndTheEndOfTheLogin) {
  StatusReport report = sample_report();
  report.targets[0].expires = FakeConsole::noon() - std::chrono::hours(1);
  report.targets[1].expires = FakeConsole::noon() + std::chrono::hours(11);
  const std::string text = render_table(report, {.now = FakeConsole::noon(), .wide = true});
  EXPECT_NE(text.find("SECRET      LAST CHANGE   NEXT TRY   EXPIRES   CAUSE\n"), std::string::npos) << text;
  EXPECT_NE(text.find("InSync     60s      myregcred   60s           <none>     in 11h    <none>\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("myregcred   <none>        in 27s     in 11h    Unreachable\n"), std::string::npos) << text;
  EXPECT_NE(text.find("ghost       <none>        <none>     expired   selects no namespace\n"), std::string::npos)
      << text;
}

TEST(ReportView, WhereRowsAreCutThoseThatAreNotInSyncStay) {
  const std::string text = render_table(sample_report(), {.now = FakeConsole::noon(), .max_lines = 2});
  EXPECT_EQ(text.find("InSync"), std::string::npos) << text;
  EXPECT_NE(text.find("... and 1 more\n"), std::string::npos) << text;
}

TEST(ReportView, ManyPlacesOfOneProblemAreCounted) {
  StatusReport report;
  for (const char* name_space : {"a", "b", "c", "d", "e"}) {
    StatusRow row;
    row.target = "web";
    row.context = "dev";
    row.name_space = name_space;
    row.state = SyncState::stuck;
    row.cause = Error(ErrorCode::forbidden, "alice may not patch secrets", "give the right");
    report.rows.push_back(row);
  }
  const std::string text = render_table(report, {.now = FakeConsole::noon()});
  EXPECT_NE(text.find("alice may not patch secrets (dev/a, dev/b, dev/c and 2 more)\n  -> give the right\n"),
            std::string::npos)
      << text;
}

TEST(ReportView, ASummaryHasALineForEachTargetAndContextWithWhatIsWrongFirst) {
  EXPECT_EQ(render_summary(selected(sample_report(), {.contexts = {"*"}}), {.now = FakeConsole::noon()}),
            "TARGET   CONTEXT   READY   SINCE   STATUS\n"
            "web      dev       1/2     5s      NamespaceMissing (1)\n"
            "web      prod      0/1     2m3s    Unreachable\n"
            "\n"
            "cannot connect to prod:6443: refused (context prod)\n"
            "  -> start the cluster\n"
            "\n"
            "namespace team-b does not exist (dev/team-b)\n"
            "  -> kubectl --context dev create namespace team-b\n");
}

TEST(ReportView, ASummaryOfManySecretsFitsAScreen) {
  StatusReport report;
  for (int i = 0; i < 100'000; ++i) {
    StatusRow row;
    row.target = "web";
    row.context = "dev-" + std::to_string(i % 5);
    row.name_space = "team-" + std::to_string(i);
    row.state = SyncState::stuck;
    row.cause = Error(ErrorCode::forbidden, "alice may not patch secrets in " + row.name_space, "give the right");
    report.rows.push_back(row);
  }
  const std::string text = render_summary(report, {.now = FakeConsole::noon()});
  EXPECT_LE(std::ranges::count(text, '\n'), 24) << text;
  EXPECT_NE(text.find("web      dev-0     0/20000   <none>   Forbidden (20000)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("team-0 (and 19999 more like it: dev-0/team-0, dev-0/team-5, dev-0/team-10 and 19997 more)"),
            std::string::npos)
      << text;
}

// 100 contexts with 1,000 Secrets each, of which `failing` contexts fail.
StatusReport large_report(int failing) {
  StatusReport report;
  report.targets.push_back({.name = "web", .secret = "web", .registries = {}, .problems = {}});
  for (int i = 0; i < 100; ++i) {
    StatusGroup group{.target = "web", .context = "c" + std::to_string(i)};
    group.states[i < failing ? SyncState::retrying : SyncState::in_sync] = 1000;
    if (i < failing) {
      const Error error(ErrorCode::unreachable, "cannot reach https://" + group.context, "start it");
      group.reasons["unreachable"] = 1000;
      group.causes.push_back({.error = error, .count = 1000});
      report.contexts.push_back({.name = group.context, .server = "s", .problem = error});
    }
    report.groups.push_back(std::move(group));
  }
  return report;
}

TEST(ReportView, ASummaryOfManyContextsFoldsThoseThatAreAlike) {
  EXPECT_EQ(render_summary(large_report(0), {.now = FakeConsole::noon(), .max_lines = 23}),
            "TARGET   CONTEXT        READY           SINCE    STATUS\n"
            "web      100 contexts   100000/100000   <none>   InSync\n"
            "(a line for each target and context: regsync status --context '*')\n");
  const std::string text = render_summary(large_report(2), {.now = FakeConsole::noon(), .max_lines = 23});
  EXPECT_NE(text.find("web      c1            0/1000        <none>   Unreachable (1000)\n"
                      "web      98 contexts   98000/98000   <none>   InSync\n"),
            std::string::npos)
      << text;
}

TEST(ReportView, AFleetThatFailsFitsAScreen) {
  const std::string text = render_summary(large_report(60), {.now = FakeConsole::noon(), .max_lines = 23});
  EXPECT_LE(std::ranges::count(text, '\n'), 23) << text;
  EXPECT_NE(text.find("web      60 contexts   0/60000       <none>   Unreachable (60000)\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("cannot reach https://c0 (and 59 more like it: context c0, context c1, context c2 and 57 more)\n"
                      "  -> start it\n"),
            std::string::npos)
      << text;
}

TEST(ReportView, ManyTargetsFoldToo) {
  StatusReport report;
  for (int i = 0; i < 300; ++i) {
    StatusGroup group{.target = "t" + std::to_string(i), .context = "dev"};
    group.states[i == 7 ? SyncState::pending : SyncState::in_sync] = 1;
    if (i == 7) {
      group.reasons["Pending"] = 1;
    }
    report.groups.push_back(std::move(group));
  }
  const std::string text = render_summary(report, {.now = FakeConsole::noon(), .max_lines = 23});
  EXPECT_NE(text.find("t7            dev       0/1       <none>   Pending\n"
                      "299 targets   dev       299/299   <none>   InSync\n"),
            std::string::npos)
      << text;
}

TEST(ReportView, JsonIsTheReportOfTheDaemonAsADocument) {
  FakeConsole console;
  print_report(console.console(), sample_report(), Format::json);
  const auto document = nlohmann::json::parse(console.out());
  EXPECT_EQ(document["apiVersion"], "regsync.dev/v1");
  EXPECT_EQ(document["kind"], "StatusReport");
  EXPECT_EQ(document["items"].size(), sample_report().rows.size());
  EXPECT_EQ(document["items"][1]["cause"]["reason"], "NamespaceMissing");
}

TEST(ReportView, NamesAreOneASecret) {
  FakeConsole console;
  print_report(console.console(), sample_report(), Format::name);
  EXPECT_EQ(console.out(), "dev/team-a/myregcred\ndev/team-b/myregcred\nprod/myregcred\n");
}

TEST(ReportView, SummaryCountsSecrets) {
  EXPECT_EQ(summary(sample_report()), "2 targets: 1 Secret in sync, 2 not");
  EXPECT_EQ(summary(StatusReport{}), "0 targets: 0 Secrets in sync");
  StatusReport faulty;
  faulty.targets.emplace_back().problems.emplace_back(ErrorCode::login_missing, "no login");
  EXPECT_EQ(summary(faulty), "1 target: 0 Secrets in sync; 1 target with problems");
}

TEST(ReportView, StuckMeansThatWaitingIsOfNoUse) {
  EXPECT_TRUE(is_stuck(sample_report())) << "prod was tried, and refuses";
  auto healthy = sample_report();
  for (auto& context : healthy.contexts) {
    context.problem.reset();
  }
  EXPECT_TRUE(is_stuck(healthy)) << "one Secret waits for a person";
  EXPECT_TRUE(is_stuck(selected(sample_report(), {.contexts = {"dev"}})));
  EXPECT_FALSE(is_stuck(selected(sample_report(), {.contexts = {"dev"}, .namespaces = {"team-a"}})));
}

}  // namespace
}  // namespace regsync::cli
