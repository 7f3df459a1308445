#include "sync/cli/view/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace regsync::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string printed(const StatusReport& report, std::size_t most = 10) {
  std::ostringstream out;
  print_problems(out, report, /*colour=*/false, most);
  return std::move(out).str();
}

StatusRow row(const std::string& name_space, const Error& cause, const std::string& context = "c") {
  StatusRow row;
  row.target = "t";
  row.context = context;
  row.name_space = name_space;
  row.secret = "t";
  row.state = SyncState::stuck;
  row.cause = cause;
  return row;
}

TEST(Problems, AReasonIsWrittenAsKubernetesWritesIt) {
  EXPECT_EQ(reason_of("namespace_missing"), "NamespaceMissing");
  EXPECT_EQ(reason_of("Pending"), "Pending");
  EXPECT_EQ(reason_of(Error(ErrorCode::login_denied, "")), "LoginDenied");
}

TEST(Problems, OneOfManySecretsIsPrintedOnceWithTheFirstPlaces) {
  StatusReport report;
  for (const char* name_space : {"n1", "n2", "n3", "n4", "n5"}) {
    report.rows.push_back(row(name_space, Error(ErrorCode::login_missing, "no login for ghcr.io", "docker login")));
  }
  const auto text = printed(report);
  EXPECT_THAT(text, HasSubstr("no login for ghcr.io (c/n1, c/n2, c/n3 and 2 more)"));
  EXPECT_EQ(text.find("no login"), text.rfind("no login"));
  EXPECT_THAT(text, HasSubstr("-> docker login"));
}

TEST(Problems, MessagesThatDifferOfOneCodeInOneContextAreOne) {
  StatusReport report;
  report.rows.push_back(row("n1", Error(ErrorCode::namespace_missing, "namespace n1 does not exist")));
  report.rows.push_back(row("n2", Error(ErrorCode::namespace_missing, "namespace n2 does not exist")));
  const auto text = printed(report);
  EXPECT_THAT(text, HasSubstr("namespace n1 does not exist (and 1 more like it: c/n1, c/n2)"));
  EXPECT_THAT(text, Not(HasSubstr("namespace n2")));
}

TEST(Problems, ARowDoesNotRepeatWhatItsContextOrTargetSays) {
  StatusReport report;
  const Error away(ErrorCode::unreachable, "no route");
  report.contexts.push_back({.name = "c", .server = "https://k", .connected = false, .problem = away});
  report.rows.push_back(row("n1", away));
  const auto text = printed(report);
  EXPECT_THAT(text, HasSubstr("no route (context c)"));
  EXPECT_EQ(text.find("no route"), text.rfind("no route"));
}

TEST(Problems, APausedContextHasNone) {
  StatusReport report;
  report.contexts.push_back(
      {.name = "c", .server = "", .connected = false, .problem = Error(ErrorCode::unreachable, "x"), .paused = true});
  EXPECT_EQ(printed(report), "");
}

TEST(Problems, MoreThanFitAreMergedByCodeButForWrongInput) {
  StatusReport report;
  for (const char* name : {"a", "b", "c"}) {
    report.contexts.push_back({.name = name,
                               .server = "",
                               .connected = false,
                               .problem = Error(ErrorCode::unreachable, std::string("no route to ") + name)});
    report.targets.push_back({.name = name,
                              .secret = name,
                              .registries = {},
                              .problems = {Error(ErrorCode::invalid_input, std::string("line 1 of ") + name)}});
  }
  const auto text = printed(report, 5);
  for (const char* fault : {"line 1 of a", "line 1 of b", "line 1 of c"}) {
    EXPECT_THAT(text, HasSubstr(fault)) << "each is corrected by itself";
  }
  EXPECT_THAT(text, HasSubstr("no route to a (and 2 more like it: context a, context b, context c)"));
  EXPECT_THAT(printed(report, 2), HasSubstr("and 2 more problems"));
}

TEST(Problems, AsWarningsEachIsOneToo) {
  std::vector<PlacedProblem> problems;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "n" + std::to_string(i);
    problems.push_back({"c/" + name, Error(ErrorCode::login_missing, "no login for ghcr.io", "docker login")});
    problems.push_back({"c/" + name, Error(ErrorCode::namespace_missing, "namespace " + name + " does not exist")});
  }
  std::ostringstream out;
  print_warnings(out, problems);
  EXPECT_EQ(out.str(),
            "warning: no login for ghcr.io (c/n0, c/n1, c/n2 and 997 more)\n"
            "  -> docker login\n"
            "warning: namespace n0 does not exist (and 999 more like it: c/n0, c/n1, c/n2 and 997 more)\n");
}

TEST(Problems, ControlCharactersOfAServerDoNotReachTheTerminal) {
  StatusReport report;
  report.rows.push_back(row("n\x1b[2J", Error(ErrorCode::forbidden, "no\x1b[31m right")));
  EXPECT_EQ(printed(report).find('\x1b'), std::string::npos);
}

TEST(Problems, ANoteIsOneLineWithWhatToDo) {
  StatusReport report;
  report.notes.emplace_back(ErrorCode::unreachable, "context gone is missing", "regsync forget-context gone");
  EXPECT_EQ(render_notes(report), "note: context gone is missing; regsync forget-context gone\n");
}

}  // namespace
}  // namespace regsync::cli
