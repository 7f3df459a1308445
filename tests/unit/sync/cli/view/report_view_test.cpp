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
  EXPECT_EQ(render_table(sample_report(), false, false, FakeConsole::noon()),
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

TEST(ReportView, WideAddsSecretLastChangeNextTryAndTheEndOfTheLogin) {
  StatusReport report = sample_report();
  report.targets[0].expires = FakeConsole::noon() - std::chrono::hours(1);
  report.targets[1].expires = FakeConsole::noon() + std::chrono::hours(11);
  const std::string text = render_table(report, true, false, FakeConsole::noon());
  EXPECT_NE(text.find("SECRET      LAST CHANGE   NEXT TRY   EXPIRES   CAUSE\n"), std::string::npos) << text;
  EXPECT_NE(text.find("InSync     60s      myregcred   60s           <none>     in 11h    <none>\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("myregcred   <none>        in 27s     in 11h    Unreachable\n"), std::string::npos) << text;
  EXPECT_NE(text.find("ghost       <none>        <none>     expired   selects no namespace\n"), std::string::npos)
      << text;
}

TEST(ReportView, WhereRowsAreCutThoseThatAreNotInSyncStay) {
  const std::string text = render_table(sample_report(), false, false, FakeConsole::noon(), 2);
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
  const std::string text = render_table(report, false, false, FakeConsole::noon());
  EXPECT_NE(text.find("alice may not patch secrets (dev/a, dev/b, dev/c and 2 more)\n  -> have an administrator run: "
                      "regsync rbac web --context dev | kubectl --context dev apply -f -; then: regsync sync web\n"),
            std::string::npos)
      << text;
}

TEST(ReportView, ASummaryHasALineForEachTargetAndContextWithWhatIsWrongFirst) {
  EXPECT_EQ(render_summary(narrowed(sample_report(), {"*"}, {}), false, FakeConsole::noon()),
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
  const std::string text = render_summary(report, false, FakeConsole::noon());
  EXPECT_LE(std::ranges::count(text, '\n'), 24) << text;
  EXPECT_NE(text.find("web      dev-0     0/20000   <none>   Forbidden (20000)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("team-0 (and 19999 more like it: dev-0/team-0, dev-0/team-5, dev-0/team-10 and 19997 more)"),
            std::string::npos)
      << text;
}

TEST(ReportView, FailingLeavesOutWhatIsInSync) {
  const StatusReport report = failing(sample_report());
  EXPECT_EQ(report.rows.size(), 2U);
  EXPECT_EQ(report.targets.size(), 1U);
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
}

TEST(ReportView, NarrowedKeepsTheRowsOfTheAskedPlaces) {
  const StatusReport dev = narrowed(sample_report(), {"d*"}, {"team-a"});
  ASSERT_EQ(dev.rows.size(), 1U);
  EXPECT_EQ(dev.rows[0].name_space, "team-a");
  EXPECT_EQ(dev.contexts.size(), 1U);
  EXPECT_TRUE(reached(dev));
  // A context that cannot be read may hold the asked namespace.
  EXPECT_EQ(narrowed(sample_report(), {}, {"team-a"}).rows.size(), 2U);
}

TEST(ReportView, APatternThatSelectsNothingIsAnErrorWithTheNearestName) {
  const auto remedy = [](const std::vector<std::string>& contexts, const std::vector<std::string>& namespaces) {
    try {
      narrowed(sample_report(), contexts, namespaces);
    } catch (const Error& error) {
      return error.remedy();
    }
    return std::string("selected");
  };
  EXPECT_EQ(remedy({"prdo"}, {}), "did you mean \"prod\"?");
  EXPECT_EQ(remedy({"dev"}, {"tema-a"}), "did you mean \"team-a\"?");
  EXPECT_EQ(remedy({"dev"}, {"team-*"}), "selected");
  EXPECT_EQ(remedy({"dev", "nonesuch"}, {}), "there are: dev, prod");
}

TEST(ReportView, StuckMeansThatWaitingIsOfNoUse) {
  EXPECT_TRUE(is_stuck(sample_report())) << "prod was tried, and refuses";
  auto healthy = sample_report();
  for (auto& context : healthy.contexts) {
    context.problem.reset();
  }
  EXPECT_TRUE(is_stuck(healthy)) << "one Secret waits for a person";
  EXPECT_TRUE(is_stuck(narrowed(sample_report(), {"dev"}, {})));
  EXPECT_FALSE(is_stuck(narrowed(sample_report(), {"dev"}, {"team-a"})));
}

}  // namespace
}  // namespace regsync::cli
