// What programs read: every document against the schema that the package has, paths, columns, the plugin's name.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "tests/integration/cli/cli_world.hpp"
#include "tests/support/json_schema.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CliDocuments : public CliWorld {
 protected:
  // A world with something of everything: in sync, stuck, a missing login, a file that cannot be used.
  void begin() {
    person_.store_login("ghcr.io", "jdoe", "hunter2");
    person_.store_login("quay.io", "<token>", "hunter2");
    declare_web();
    person_.home().write(".config/regsync/targets/other.yaml",
                         "secret: other\nregistries: [docker.io]\ncontexts: [dev]\nnamespaces: [team-x, team-a]\n"
                         "expires: {docker.io: 2027-01-31}\npin: true\nonLogout: remove\nheal: evict\n"
                         "contextSelector: env=prod\n");
    person_.home().write(".config/regsync/targets/bad.yaml", "registries: 5x: [\n");
    person_.start_daemon();
    [[maybe_unused]] const auto synced = person_.regsync({"sync"});
  }
};

TEST_F(CliDocuments, EveryDocumentIsAsTheSchemaSays) {
  // A Secret of another type.
  dev_.put({"secrets", "team-b", "plain"}, {{"apiVersion", "v1"},
                                            {"kind", "Secret"},
                                            {"metadata", {{"name", "plain"}, {"namespace", "team-b"}}},
                                            {"type", "Opaque"}});
  person_.home().write(".config/regsync/targets/plain.yaml",
                       "registries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-b]\n");
  begin();
  const json schema =
      json::parse(read_file(std::filesystem::path(REGSYNC_SOURCE_DIR) / "sync/cli/regsync-v1.schema.json"));
  const std::vector<std::pair<std::vector<std::string>, std::string>> commands = {
      {{"list"}, "TargetList"},
      {{"add", "new", "--registry", "ghcr.io", "-n", "team-a", "--dry-run"}, "TargetList"},
      {{"status"}, "StatusReport"},
      {{"sync", "web"}, "StatusReport"},
      {{"history"}, "ChangeList"},
      {{"logins"}, "LoginList"},
      {{"verify", "--context", "dev", "-n", "team-b"}, "VerdictList"},
      {{"doctor"}, "FindingList"},
      {{"version"}, "Version"},
      {{"explain", "-n", "team-a"}, "PullFailureList"},
      {{"remove", "web", "other", "bad", "--dry-run=server"}, "TargetList"},
      {{"remove", "other", "web", "other"}, "StatusReport"}};
  std::set<std::string> checked = {"show", "rbac"};  // objects of Kubernetes
  for (const auto& [arguments, kind] : commands) {
    auto whole = arguments;
    whole.insert(whole.end(), {"-o", "json"});
    const auto outcome = person_.regsync(whole);
    const json document = json::parse(outcome.out, nullptr, false);
    ASSERT_FALSE(document.is_discarded()) << arguments.front() << outcome.out << outcome.err;
    EXPECT_EQ(document.value("kind", ""), kind) << arguments.front();
    EXPECT_EQ(schema_fault(document, schema), "") << arguments.front() << outcome.out;
    checked.insert(arguments.front());
  }
  // No command that prints JSON is left out.
  const std::string help = person_.regsync({"--help"}).out;
  const std::regex command(R"(\n  ([a-z-]+) )");
  for (std::sregex_iterator match(help.begin(), help.end(), command), end; match != end; ++match) {
    const std::string name = (*match)[1];
    const std::string text = person_.regsync({name, "--help"}).out;
    EXPECT_TRUE(checked.contains(name) || text.find("--output") == std::string::npos) << name << text;
  }
}

TEST_F(CliDocuments, PathsAndColumnsSelectAsWithKubectl) {
  begin();
  say({"list", "web", "other", "-o", "jsonpath={.items[*].name}"});
  say({"list", "-o", R"(jsonpath={range .items[*]}{.name}{"\t"}{.contexts}{"\n"}{end})"});
  say({"status", "web", "-o", R"(jsonpath={.items[?(@.state=="InSync")].namespace})"});
  say({"status", "-o", "custom-columns=TARGET:.target,NS:.namespace,WHY:.cause.reason"});
  say({"status", "-o", "jsonpath={.items[0:2]}"});
  say({"status", "-o", "custom-columns=TARGET"});
  say({"status", "-o", "go-template={{.}}"});
  say({"status", "-o", "jsonpath"});
  EXPECT_TRUE(transcript_is("paths.txt"));
}

TEST_F(CliDocuments, WhoUsesThePluginIsToldTheCommandsOfThePlugin) {
  const auto plugin = person_.home().path() / "bin/kubectl-regsync";
  std::filesystem::create_directories(plugin.parent_path());
  std::filesystem::create_symlink(REGSYNC, plugin);
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), plugin.string());
    return person_.run(std::move(arguments));
  };
  declare_web();
  EXPECT_THAT(run({"describe", "wbe"}).err, HasSubstr("did you mean \"web\"?"));
  EXPECT_THAT(run({"statsu"}).err, HasSubstr("did you mean \"kubectl regsync status\"? see: kubectl regsync --help"));
  EXPECT_THAT(run({"set", "web", "pin"}).err, HasSubstr("error: \"pin\" is not FIELD=VALUE"));
  const std::string help = run({"status", "--help"}).out;
  EXPECT_THAT(help, HasSubstr("Usage: kubectl regsync status"));
  EXPECT_THAT(help, HasSubstr("\n  kubectl regsync status --watch\n"));
}

}  // namespace
}  // namespace regsync::test
