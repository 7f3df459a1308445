// Commands in a pipe, as programs and transcripts see them. The golden files are what a person reads.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "sync/base/base64.hpp"
#include "tests/integration/cli/cli_world.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class CliCommands : public CliWorld {
 protected:
  [[nodiscard]] std::string entries_in(const FakeApiServer& server, const std::string& name_space) const {
    const auto secret = server.find({"secrets", name_space, "myregcred"});
    return secret ? base64_decode(secret->at("data").at(".dockerconfigjson").get<std::string>()).value_or("")
                  : "(there is no such Secret)";
  }
};

// Another helper stores what regsync would have replaced. The item that was changed last counts in clusters.
TEST_F(CliCommands, LoginsNamesTheTargetsAtTheSpellingThatIsInTheSecret) {
  declare_web();
  person_.store_login("ghcr.io", "alice", "of-alice");
  std::this_thread::sleep_for(std::chrono::seconds(1));  // the keyring's times are in seconds
  person_.canaries().add("carol", "of-carol");
  const Outcome stored =
      person_.run({"secret-tool", "store", "--label=x", "xdg:schema", "io.docker.Credentials", "label",
                   "Docker Credentials", "server", "https://ghcr.io", "username", "carol", "docker_cli", "1"},
                  "of-carol");
  ASSERT_EQ(stored.exit_code, 0) << stored.err;
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  EXPECT_THAT(entries_in(dev_, "team-a"), HasSubstr("carol"));
  const Outcome listed = person_.regsync({"logins", "-o", "json"});
  json used;
  const json all = json::parse(listed.out);
  for (const json& row : all.at("items")) {
    used[row.at("username")] = row.at("targets");
  }
  EXPECT_EQ(used, (json{{"alice", json::array()}, {"carol", {"web"}}}));
  const auto answer = [&](const std::string& server) {
    return json::parse(person_.run({"docker-credential-regsync", "get"}, server).out).at("Username");
  };
  EXPECT_EQ(answer("ghcr.io"), "alice") << "a client asks for a name, and an item of exactly that name comes first";
  EXPECT_EQ(answer("http://ghcr.io"), "carol");
}

TEST_F(CliCommands, ATargetFromItsDeclarationToItsRemoval) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  person_.start_daemon();
  say({"add", "myregcred", "--registry", "ghcr.io", "--context", "*", "-n", "team-a", "--wait"});
  EXPECT_THAT(entries_in(dev_, "team-a"), HasSubstr("hunter2"));
  EXPECT_THAT(entries_in(prod_, "team-a"), HasSubstr("hunter2"));
  say({"status"});
  say({"status", "--context", "prod", "-o", "wide"});
  say({"status", "-o", "name"});
  say({"sync"});
  say({"diff"});
  say({"remove", "myregcred"});
  EXPECT_FALSE(dev_.find({"secrets", "team-a", "myregcred"}));
  EXPECT_FALSE(prod_.find({"secrets", "team-a", "myregcred"}));
  say({"status"});
  EXPECT_TRUE(transcript_is("life.txt"));
}

TEST_F(CliCommands, WhatIsWrongStandsInTheStatusWithItsRemedy) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  dev_.deny("", "secrets", "team-b");
  person_.home().write(".config/regsync/targets/other.yaml",
                       "secret: other\nregistries: [quay.io]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  person_.start_daemon();
  say({"sync"});
  say({"status", "web", "-n", "team-a"});
  EXPECT_TRUE(transcript_is("wrong.txt"));
}

TEST_F(CliCommands, TargetsAndLoginsInEveryFormat) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  person_.store_login("registry.example.com:5000", "robot", "hunter2");
  person_.store_login("quay.io", "<token>", "hunter2");
  declare_web();
  person_.home().write(".config/regsync/targets/everywhere.yaml",
                       "secret: pull\nregistries: [ghcr.io, 'registry.example.com:5000']\ncontexts: [dev, 'prod*']\n"
                       "namespaceSelector: env in (prod)\nexcludeNamespaces: ['kube-*']\nserviceAccounts: [default]\n"
                       "onLogout: remove\n");
  for (const char* format : {"wide", "name", "json", "yaml"}) {
    say({"list", "-o", format});
  }
  say({"list"});
  say({"logins"});
  say({"logins", "-o", "name"});
  say({"logins", "-o", "json"});
  const auto shown = say({"show", "web"});
  EXPECT_THAT(shown.out, Not(HasSubstr("hunter2")));
  say({"show", "web", "-o", "json"});
  say({"version"});
  say({"version", "-o", "json"});
  EXPECT_TRUE(transcript_is("formats.txt"));
}

TEST_F(CliCommands, StructuredAnswersAreWholeDocuments) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  person_.start_daemon();
  ASSERT_TRUE(all_in_sync());
  const json status = json::parse(person_.regsync({"status", "-o", "json"}).out);
  EXPECT_EQ(status.at("items").size(), 2U);
  EXPECT_EQ(status.at("items")[0].at("state"), "InSync");
  EXPECT_EQ(json::parse(person_.regsync({"sync", "-o", "json"}).out).at("items").size(), 2U);
  const auto yaml = person_.regsync({"status", "-o", "yaml"}).out;
  EXPECT_THAT(yaml, HasSubstr("state: InSync\n"));
  EXPECT_THAT(yaml, HasSubstr("namespace: team-a\n"));
  const json doctor = json::parse(person_.regsync({"doctor", "-o", "json"}).out);
  EXPECT_FALSE(doctor.empty());
}

TEST_F(CliCommands, AddTakesKubectlsFlags) {
  const auto added = say({"add", "myregcred", "--docker-server", "ghcr.io", "--docker-username", "jdoe",
                          "--docker-password-stdin", "--docker-email", "jdoe@example.com", "-n", "team-a"},
                         "hunter2");
  ASSERT_EQ(added.exit_code, 0) << added.err;
  const auto kept = person_.run({"docker-credential-regsync", "get"}, "ghcr.io");
  EXPECT_EQ(json::parse(kept.out), json({{"ServerURL", "ghcr.io"}, {"Username", "jdoe"}, {"Secret", "hunter2"}}));
  say({"list"});
  say({"add", "myregcred", "--registry", "ghcr.io", "--docker-email", "jdoe@example.com", "-n", "team-a"});
  say({"add", "myregcred", "--registry", "ghcr.io", "-n", "team-b"});
  say({"add", "myregcred", "--registry", "ghcr.io", "-n", "team-b", "--replace"});
  say({"add", "dry", "--registry", "ghcr.io", "--context", "prod", "--namespace-selector", "env in (prod)",
       "--service-account", "default", "--on-logout", "remove", "--dry-run"});
  say({"add", "dry", "--registry", "ghcr.io", "--dry-run", "-o", "json"});
  EXPECT_TRUE(transcript_is("add.txt"));

  // The Secret is the one that kubectl would have made.
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  EXPECT_EQ(entries_in(dev_, "team-b"),
            R"({"auths":{"ghcr.io":{"username":"jdoe","password":"hunter2","auth":"amRvZTpodW50ZXIy"}}})");
}

TEST_F(CliCommands, RemoveSaysWhichSecretsStayBecauseTheyAreNotRegsyncs) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  for (const bool by_daemon : {true, false}) {
    declare_web();
    dev_.set_policy([](const FakeCluster::Key& key, json& object) {
      if (key.resource == "secrets" && key.name_space == "team-b") {
        object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm";
      }
    });
    if (by_daemon) {
      person_.start_daemon();
    }
    const std::vector<std::string> sync =
        by_daemon ? std::vector<std::string>{"sync"} : std::vector<std::string>{"sync", "--once"};
    EXPECT_NE(person_.regsync(sync).exit_code, 0);
    ASSERT_THAT(entries_in(dev_, "team-b"), HasSubstr("hunter2"));
    EXPECT_THAT(person_.regsync({"remove", "web"}).out,
                HasSubstr("others stay:\nnote: Secret team-b/myregcred in context dev stays, with the password in it"));
    EXPECT_FALSE(dev_.find({"secrets", "team-a", "myregcred"}));
    EXPECT_THAT(entries_in(dev_, "team-b"), HasSubstr("hunter2"));
    dev_.erase({"secrets", "team-b", "myregcred"});
    if (by_daemon) {
      EXPECT_EQ(person_.regsync({"status"}).exit_code, 0);
      person_.stop_daemon(SIGTERM);
    }
  }
}

TEST_F(CliCommands, RemoveKeepsTheSecretsAsNobodysWhenAsked) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  person_.start_daemon();
  ASSERT_TRUE(all_in_sync());
  dev_.deny("patch", "secrets", "team-b");
  say({"remove", "web", "--keep-secrets"});
  dev_.allow_all();
  say({"sync"});
  for (const char* name_space : {"team-a", "team-b"}) {
    EXPECT_THAT(entries_in(dev_, name_space), HasSubstr("hunter2"));
    const json metadata = dev_.find({"secrets", name_space, "myregcred"})->at("metadata");
    EXPECT_FALSE(metadata.contains("labels")) << metadata;
    EXPECT_FALSE(metadata.contains("annotations")) << metadata;
  }
  EXPECT_TRUE(transcript_is("keep.txt"));
}

TEST_F(CliCommands, RbacPrintsTheLeastRightsForKubectl) {
  declare_web();
  person_.home().write(".config/regsync/targets/wide.yaml",
                       "secret: pull\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: ['team-*']\n"
                       "serviceAccounts: [default]\n");
  say({"rbac", "web", "--user", "jdoe"});
  say({"rbac", "wide", "--serviceaccount", "ci:regsync"});
  const auto structured = person_.regsync({"rbac", "--group", "team", "-o", "json"});
  EXPECT_EQ(json::parse(structured.out).at("items").size(), 6U);
  EXPECT_TRUE(transcript_is("rbac.txt"));
}

TEST_F(CliCommands, DiffShowsWhatASyncWouldChangeWithoutThePassword) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  say({"diff"});
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  say({"diff"});
  person_.store_login("ghcr.io", "jdoe", "rotated");
  const auto changed = say({"diff", "web", "--context", "dev"});
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.out, Not(HasSubstr("hunter2")));
  EXPECT_THAT(changed.out, Not(HasSubstr("rotated")));
  EXPECT_TRUE(transcript_is("diff.txt"));
}

TEST_F(CliCommands, ADiffThatCannotWriteWhatItComparesIsNotKnown) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  person_.store_login("ghcr.io", "jdoe", "rotated");
  // Like a disk that is full. What it prints goes through a pipe, to which that does not apply.
  const Outcome outcome =
      person_.run({"sh", "-c", "(trap '' XFSZ; ulimit -f 0; regsync diff; echo \"exit code $?\") 2>&1 | cat"});
  EXPECT_THAT(outcome.out, testing::AllOf(HasSubstr("myregcred: cannot be written: "), HasSubstr("TMPDIR"),
                                          HasSubstr("exit code 2")));
}

TEST_F(CliCommands, DiffSeesServiceAccountsAndWhatIsLeftBehind) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  const auto declare = [&](const std::string& namespaces, const std::string& accounts) {
    person_.home().write(".config/regsync/targets/web.yaml",
                         "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [" + namespaces +
                             "]\nserviceAccounts: [" + accounts + "]\n");
  };
  const auto account = [&](const std::string& name, const char* name_space = "team-a") {
    return json{
        {"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", name}, {"namespace", name_space}}}};
  };
  for (const char* name : {"builder", "runner"}) {
    dev_.put({"serviceaccounts", "team-a", name}, account(name));
  }
  dev_.put({"serviceaccounts", "team-b", "builder"}, account("builder", "team-b"));
  declare("team-a, team-b", "builder");
  const auto before = person_.regsync({"diff"});
  EXPECT_THAT(before.out, testing::AllOf(HasSubstr("ServiceAccount.builder"), HasSubstr("+  - name: myregcred")));
  EXPECT_THAT(before.out, Not(HasSubstr("runner")));
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  EXPECT_EQ(person_.regsync({"diff"}).exit_code, 0);

  // A policy takes the entry out.
  dev_.put({"serviceaccounts", "team-a", "builder"}, account("builder"));
  const auto lost = person_.regsync({"diff"});
  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_THAT(lost.out, HasSubstr("+  - name: myregcred"));
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);

  // Another ServiceAccount, and one namespace less.
  declare("team-a", "runner, deployer");
  const auto changed = person_.regsync({"diff"});
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.out, testing::AllOf(HasSubstr("ServiceAccount.builder"), HasSubstr("ServiceAccount.runner"),
                                          HasSubstr("team-b/myregcred")));
  EXPECT_THAT(changed.err, HasSubstr("ServiceAccount deployer does not exist in namespace team-a"));
  EXPECT_EQ(person_.regsync({"sync", "--once"}).exit_code, 1);
  EXPECT_EQ(person_.regsync({"diff"}).exit_code, 1) << "deployer is still missing";
  dev_.put({"serviceaccounts", "team-a", "deployer"}, account("deployer"));
  EXPECT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  const auto after = person_.regsync({"diff"});
  EXPECT_EQ(after.exit_code, 0) << after.out << after.err;
}

// As with the rights that `regsync rbac` prints: none to ServiceAccounts where no target attaches to one.
TEST_F(CliCommands, ServiceAccountsThatMayNotBeListedMatterOnlyToTheTargetThatNamesThem) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  const auto declare = [&](const std::string& name, const std::string& name_space, const std::string& accounts) {
    person_.home().write(".config/regsync/targets/" + name + ".yaml",
                         "registries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [" + name_space +
                             "]\nserviceAccounts: [" + accounts + "]\n");
  };
  dev_.put(
      {"serviceaccounts", "team-a", "builder"},
      {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "builder"}, {"namespace", "team-a"}}}});
  declare("one", "team-a", "builder");
  declare("two", "team-b", "");
  dev_.deny("", "serviceaccounts", "team-b");
  const auto before = person_.regsync({"diff"});
  EXPECT_EQ(before.exit_code, 1) << before.err;
  EXPECT_EQ(before.err, "");
  EXPECT_THAT(before.out, testing::AllOf(HasSubstr("ServiceAccount.builder"), HasSubstr("team-b/two")));
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  const auto after = person_.regsync({"diff"});
  EXPECT_EQ(after.exit_code, 0) << after.out << after.err;

  declare("two", "team-b", "builder");
  const auto hidden = person_.regsync({"diff"});
  EXPECT_EQ(hidden.exit_code, 1) << hidden.out;
  EXPECT_EQ(hidden.out, "");
  EXPECT_THAT(hidden.err, testing::AllOf(HasSubstr("(dev/team-b)\n"), HasSubstr("regsync rbac two"),
                                         Not(HasSubstr("does not exist"))));

  // Nor where a list across all namespaces is forbidden and any namespace may be meant.
  declare("two", "'team-*'", "'*'");
  dev_.deny_cluster_wide("list", "serviceaccounts");
  const auto wide = person_.regsync({"diff"});
  EXPECT_EQ(wide.exit_code, 1) << wide.out;
  EXPECT_THAT(wide.err, testing::AllOf(HasSubstr("(dev/team-b)\n"), Not(HasSubstr("error: "))));
}

TEST_F(CliCommands, DiffIsNotEmptyWhereASyncCannotHelp) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  dev_.put({"secrets", "team-a", "myregcred"}, {{"apiVersion", "v1"},
                                                {"kind", "Secret"},
                                                {"metadata", {{"name", "myregcred"}, {"namespace", "team-a"}}},
                                                {"type", "kubernetes.io/dockerconfigjson"},
                                                {"data", {{".dockerconfigjson", "e30="}}}});
  EXPECT_EQ(person_.regsync({"sync", "--once"}).exit_code, 1);
  const auto differs = person_.regsync({"diff"});
  EXPECT_EQ(differs.exit_code, 1) << differs.out;
  EXPECT_EQ(differs.out, "");
  EXPECT_THAT(differs.err, HasSubstr("was not made by regsync"));
}

TEST_F(CliCommands, ATargetWithoutNamespacesIsMeantWhereItIsAlready) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  person_.home().write(".config/regsync/targets/web.yaml",
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\n");
  const auto switch_to = [this](const std::string& name_space) {
    auto config = json::parse(read_file(person_.env["KUBECONFIG"]));
    config["contexts"][0]["context"]["namespace"] = name_space;
    const auto file = person_.home().write("kubeconfig", config.dump());
    // Written a while ago: what was just written may be half of a change.
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - std::chrono::minutes(1));
  };
  switch_to("team-a");
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  ASSERT_THAT(entries_in(dev_, "team-a"), HasSubstr("hunter2"));

  switch_to("team-b");
  const auto differences = person_.regsync({"diff"});
  EXPECT_EQ(differences.exit_code, 0) << differences.out << differences.err;
  EXPECT_THAT(person_.regsync({"rbac", "web", "--user", "jdoe"}).out,
              testing::AllOf(HasSubstr("team-a"), Not(HasSubstr("team-b"))));
  const auto verdicts = json::parse(person_.regsync({"verify", "web", "-o", "json"}).out);
  EXPECT_EQ(verdicts.at("items").at(0).value("namespace", ""), "team-a");
}

TEST_F(CliCommands, SyncOnceWithNothingToDoEndsAtOnce) {
  dev_.stop();
  const auto at_once = [&](int exit_code) {
    const auto begin = std::chrono::steady_clock::now();
    const Outcome outcome = person_.regsync({"sync", "--once"});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
    return outcome.out + outcome.err;
  };
  EXPECT_THAT(at_once(0), HasSubstr("0 targets"));
  person_.home().write(".config/regsync/targets/web.yaml", "registries: [");
  EXPECT_THAT(at_once(1), HasSubstr("web.yaml"));
  dev_.start();
}

TEST_F(CliCommands, SyncOnceNeedsNoDaemonAndStepsAsideForOne) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  say({"sync", "--once"});
  EXPECT_THAT(entries_in(dev_, "team-a"), HasSubstr("hunter2"));
  person_.start_daemon();
  const auto refused = person_.regsync({"sync", "--once"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr(std::to_string(person_.daemon().pid())));
  EXPECT_TRUE(transcript_is("once.txt"));
}

TEST_F(CliCommands, StatusWatchInAPipeIsOneDocumentPerChange) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  person_.start_daemon();
  ASSERT_TRUE(all_in_sync());
  Process watch(regsync_program({"status", "--watch", "-o", "json"}));
  const auto documents = [&] {
    std::vector<json> found;
    std::istringstream lines(watch.out());
    for (std::string line; std::getline(lines, line);) {
      if (auto document = json::parse(line, nullptr, false); !document.is_discarded()) {
        found.push_back(std::move(document));
      }
    }
    return found;
  };
  ASSERT_TRUE(wait_until([&] { return !documents().empty(); }));
  person_.home().write(".config/regsync/targets/next.yaml",
                       "secret: next\nregistries: [ghcr.io]\ncontexts: [prod]\nnamespaces: [team-a]\n");
  const auto all_three = [&] {
    const json rows = documents().back().at("items");
    return rows.size() == 3 && std::ranges::all_of(rows, [](const json& row) { return row.at("state") == "InSync"; });
  };
  EXPECT_TRUE(wait_until(all_three)) << watch.out();
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(std::chrono::seconds(5)), 0);
}

}  // namespace
}  // namespace regsync::test
