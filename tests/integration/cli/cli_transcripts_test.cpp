// The commands that people use most, as they look on a narrow and on a wide terminal and in a pipe, whichever shell
// runs them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/integration/cli/cli_world.hpp"

namespace regsync::test {
namespace {

// NOLINTNEXTLINE(misc-multiple-inheritance): GoogleTest's way to a fixture with parameters
class CliTranscripts : public CliWorld, public testing::WithParamInterface<std::vector<std::string>> {
 protected:
  // Two targets: one in sync, one with a missing login, a missing namespace and a missing right. A pod that cannot
  // pull.
  void begin() {
    person_.store_login("ghcr.io", "jdoe", "hunter2");
    declare_web();
    person_.home().write(".config/regsync/targets/billing-production.yaml",
                         "secret: billing-pull\nregistries: [ghcr.io, registry.example.com:5000]\n"
                         "contexts: ['*']\nnamespaces: [team-a, team-x]\nserviceAccounts: [default]\n");
    dev_.deny("patch", "secrets", "team-a");
    for (FakeApiServer* server : {&dev_, &prod_}) {
      server->put({"serviceaccounts", "team-a", "default"},
                  {{"metadata", {{"name", "default"}, {"namespace", "team-a"}}}});
    }
    prod_.put({"pods", "team-b", "web-7d4b9c5d8f-x2x7k"},
              {{"metadata", {{"name", "web-7d4b9c5d8f-x2x7k"}, {"namespace", "team-b"}}},
               {"spec",
                {{"imagePullSecrets", {{{"name", "nowhere"}}}},
                 {"serviceAccountName", "default"},
                 {"containers", {{{"name", "main"}, {"image", "ghcr.io/acme/web:1"}}}}}},
               {"status",
                {{"containerStatuses",
                  {{{"name", "main"},
                    {"state", {{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "Back-off"}}}}}}}}}}});
    person_.start_daemon();
    // Until nothing changes any more by itself.
    ASSERT_EQ(person_.regsync({"sync"}).exit_code, 1);
  }
};

TEST_P(CliTranscripts, AreTheSameInEachShell) {
  const std::vector<std::string>& shell = GetParam();
  if (person_.run({"sh", "-c", "command -v " + shell.front()}).exit_code != 0) {
    SKIP_OR_FAIL("no " + shell.front());
  }
  begin();
  const std::vector<std::vector<std::string>> commands = {
      {"list"},
      {"status"},
      {"status", "-A"},
      {"status", "--failing"},
      {"describe", "web"},
      {"describe", "billing-production"},
      {"logins"},
      {"history", "web"},
      {"explain", "-n", "team-b", "--context", "prod"},
      {"add", "new", "--registry", "ghcr.io", "--context", "*", "-n", "team-b", "--dry-run"},
      {"add", "new", "--registry", "ghcr.io", "--context", "*", "-n", "team-b", "--dry-run=server"},
      {"remove", "web", "--dry-run"},
      {"remove", "web", "--dry-run=server"},
      {"--help"},
      {"add", "--help"},
      {"stauts"},
      {"describe", "wbe"},
      {"add", "x", "--regisry", "ghcr.io"},
      {"add", "x", "--namespace-selector", "env in prod", "--registry", "ghcr.io"},
      {"set", "web", "pin"},
  };
  for (const auto& [golden, columns] : {std::pair("pipe.txt", 0), {"80-columns.txt", 80}, {"200-columns.txt", 200}}) {
    begin_transcript();
    for (const auto& command : commands) {
      if (columns == 0) {
        say_in_pipe(shell, command);
      } else {
        say_on_terminal(shell, command, columns);
      }
    }
    EXPECT_TRUE(transcript_is(golden));
  }
}

INSTANTIATE_TEST_SUITE_P(Shells, CliTranscripts,
                         testing::Values(std::vector<std::string>{"bash", "--norc", "-c"},
                                         std::vector<std::string>{"zsh", "-f", "-c"},
                                         std::vector<std::string>{"fish", "--no-config", "-c"}),
                         [](const auto& instance) { return instance.param.front(); });

}  // namespace
}  // namespace regsync::test
