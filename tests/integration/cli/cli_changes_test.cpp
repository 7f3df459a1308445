// Changing targets from the command line: what stands in the clusters after each command, and what a person reads.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "tests/integration/cli/cli_world.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class CliChanges : public CliWorld {
 protected:
  [[nodiscard]] std::string password_in(const std::string& name_space) const {
    const auto found = secret(name_space, "myregcred");
    return found ? base64_decode(found->at("data").at(".dockerconfigjson").get<std::string>()).value_or("") : "(none)";
  }
  void rename_in_another_namespace() {
    be_in("team-a");
    person_.store_login("ghcr.io", "jdoe", "hunter2");
    declare_target("own", "contexts: [dev]\nsecret: myregcred\n");
    person_.start_daemon();
    ASSERT_TRUE(wait_until([&] { return secret("team-a", "myregcred").has_value(); }));
    const std::string before = uid("team-a");
    be_in("team-b");
    const auto renamed = person_.regsync({"rename", "own", "team-pull"});
    EXPECT_EQ(renamed.exit_code, 0) << renamed.out << renamed.err;
    EXPECT_EQ(uid("team-a"), before);
    EXPECT_FALSE(secret("team-b", "myregcred"));
    EXPECT_THAT(file("team-pull"), HasSubstr("team-a"));
  }
};

TEST_F(CliChanges, SetChangesOneFieldAndTheClustersFollow) {
  start_in_sync();
  say({"set", "web", "namespaces-=team-b", "--dry-run=server"});
  EXPECT_TRUE(secret("team-b", "myregcred"));
  say({"set", "web", "namespaces-=team-b"});
  say({"sync"});
  EXPECT_TRUE(secret("team-a", "myregcred"));
  EXPECT_FALSE(secret("team-b", "myregcred"));
  say({"set", "web", "namespaces+=team-b", "--dry-run"});
  say({"set", "web", "namespaces=team-b"});
  say({"set", "web", "namespaces=team-b"});
  say({"set", "web", "namspaces=team-b"});
  say({"set", "web", "onLogout=delete"});
  say({"set", "wbe", "pin=true"});
  say({"set", "pin=true", "web"});
  EXPECT_TRUE(transcript_is("set.txt"));
}

TEST_F(CliChanges, NothingChangesWhileATargetIsPaused) {
  start_in_sync();
  say({"pause", "web"});
  person_.store_login("ghcr.io", "jdoe", "rotated");
  json edited = secret("team-b", "myregcred").value();
  edited["data"][".dockerconfigjson"] = "e30=";
  dev_.put({"secrets", "team-b", "myregcred"}, edited);
  say({"set", "web", "namespaces-=team-a"});
  say({"sync"});
  say({"status"});
  say({"status", "--all"});
  say({"diff"});
  EXPECT_THAT(password_in("team-a"), HasSubstr("hunter2"));
  EXPECT_EQ(password_in("team-b"), "{}");
  say({"pause", "web"});
  say({"resume", "web", "--dry-run=server"});
  EXPECT_THAT(file("web"), HasSubstr("paused: true"));
  say({"resume", "web"});
  say({"sync"});
  EXPECT_THAT(password_in("team-b"), HasSubstr("rotated"));
  EXPECT_FALSE(secret("team-a", "myregcred")) << "what was narrowed during the pause follows";
  EXPECT_THAT(file("web"), Not(HasSubstr("paused")));
  say({"resume", "web"});
  say({"pause"});
  say({"pause", "web", "--context", "dev"});
  EXPECT_TRUE(transcript_is("pause.txt"));
}

TEST_F(CliChanges, NothingChangesInAPausedContextNotEvenByARemoval) {
  start_in_sync();
  say({"pause", "--context", "dve"});
  say({"pause", "--context", "dev"});
  person_.store_login("ghcr.io", "jdoe", "rotated");
  say({"sync"});
  EXPECT_THAT(password_in("team-a"), HasSubstr("hunter2"));
  say({"status"});
  say({"diff"});
  say({"remove", "web"});
  say({"status"});
  EXPECT_THAT(password_in("team-a"), HasSubstr("hunter2"));

  // Another daemon, or none, knows of the pause too.
  person_.stop_daemon(SIGTERM);
  say({"pause", "--context", "dev"});
  person_.start_daemon();
  EXPECT_THAT(person_.regsync({"status"}).out, HasSubstr("Paused"));
  say({"resume", "--context", "dev"});
  EXPECT_TRUE(wait_until([&] { return !secret("team-a", "myregcred") && !secret("team-b", "myregcred"); }));
  EXPECT_TRUE(transcript_is("pause-context.txt"));
}

TEST_F(CliChanges, APatternAlsoResumesContextsThatTheKubeconfigDoesNotHaveNow) {
  const auto resume = [this](const std::string& pattern) { return person_.regsync({"resume", "--context", pattern}); };
  ASSERT_EQ(person_.regsync({"pause", "--context", "*"}).exit_code, 0);
  be_in("team-a");  // prod is gone
  const auto unknown = resume("x*");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no context matches \"x*\""));
  EXPECT_EQ(resume("pr*").out, "context \"prod\" resumed\n");
  EXPECT_EQ(resume("pr*").exit_code, 1) << "neither paused nor in the kubeconfig";
  EXPECT_EQ(resume("*").out, "context \"dev\" resumed\n");
  EXPECT_EQ(resume("*").out, "context \"dev\" is not paused\n");
}

TEST_F(CliChanges, ACommandWithoutTheDaemonActsOnlyForTheTargetsThatItNames) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  declare_target("api", "contexts: [dev]\nnamespaces: [team-a]\n");
  declare_target("old", "contexts: [dev]\nnamespaces: [team-a]\n");
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  const json api = secret("team-a", "api").value();
  dev_.deny("delete", "secrets", "team-a");
  ASSERT_EQ(person_.regsync({"remove", "old"}).exit_code, 1) << "its Secret is still to be deleted";
  dev_.allow_all();
  declare_target("api", "contexts: [dev]\nnamespaces: [team-a, team-b]\n");
  person_.store_login("ghcr.io", "jdoe", "rotated");
  const auto expect_others_as_before = [&](const char* command) {
    EXPECT_EQ(secret("team-a", "api"), api) << command;
    EXPECT_FALSE(secret("team-b", "api")) << command;
    EXPECT_TRUE(secret("team-a", "old")) << command;
  };

  const auto synced = person_.regsync({"sync", "web", "--once"});
  EXPECT_EQ(synced.exit_code, 0) << synced.out << synced.err;
  EXPECT_THAT(password_in("team-a"), HasSubstr("rotated"));
  expect_others_as_before("sync");
  const auto renamed = person_.regsync({"rename", "web", "team-pull", "--secret-name", "pull"});
  EXPECT_EQ(renamed.exit_code, 0) << renamed.out << renamed.err;
  EXPECT_TRUE(secret("team-b", "pull"));
  EXPECT_FALSE(secret("team-b", "myregcred"));
  expect_others_as_before("rename");
  const auto removed = person_.regsync({"remove", "team-pull"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out << removed.err;
  EXPECT_FALSE(secret("team-b", "pull"));
  expect_others_as_before("remove");

  EXPECT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  EXPECT_TRUE(secret("team-b", "api"));
  EXPECT_FALSE(secret("team-a", "old"));
}

TEST_F(CliChanges, ATargetWhoseFileIsGoneIsRemovedAsTheRemedySays) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  std::filesystem::remove(person_.home() / ".config/regsync/targets/web.yaml");
  const auto synced = person_.regsync({"sync", "--once"});
  EXPECT_THAT(synced.out + synced.err, HasSubstr("regsync remove web"));
  EXPECT_TRUE(secret("team-a", "myregcred")) << "nobody asked to delete it";

  const auto shown = person_.regsync({"remove", "web", "--dry-run=server"});
  EXPECT_THAT(shown.out, HasSubstr("delete 2 Secrets in context dev: team-a/myregcred, team-b/myregcred"));
  const auto removed = person_.regsync({"remove", "web", "--yes"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out << removed.err;
  EXPECT_FALSE(secret("team-a", "myregcred"));
  EXPECT_FALSE(secret("team-b", "myregcred"));
  EXPECT_THAT(person_.regsync({"remove", "web", "--yes"}).err, HasSubstr("target \"web\" not found"));
}

TEST_F(CliChanges, ATargetThatIsNotNamedClaimsItsSecretsAllTheSame) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  person_.home().write(".config/regsync/targets/api.yaml",
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  const auto refused = person_.regsync({"sync", "web", "--once"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("target api claims the same Secret"));
  EXPECT_FALSE(secret("team-a", "myregcred"));
  EXPECT_TRUE(secret("team-b", "myregcred"));
}

TEST_F(CliChanges, ATargetThatIsNotNamedIsNotBoundToTheCurrentNamespace) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  declare_target("own", "contexts: [dev]\n");
  be_in("team-a");
  ASSERT_EQ(person_.regsync({"sync", "web", "--once"}).exit_code, 0);
  be_in("team-b");
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  EXPECT_TRUE(secret("team-b", "own"));
  EXPECT_FALSE(secret("team-a", "own"));
}

TEST_F(CliChanges, ARenamedTargetKeepsItsSecretsWhereTheyAre) {
  start_in_sync();
  const std::string before = uid("team-a");
  say({"rename", "web", "team-pull", "--dry-run=server"});
  say({"rename", "web", "team-pull"});
  EXPECT_EQ(uid("team-a"), before) << "it was updated in place";
  EXPECT_EQ(secret("team-a", "myregcred")->at("metadata").at("annotations").at("regsync.dev/target"), "team-pull");
  EXPECT_THAT(file("team-pull"), HasSubstr("secret: myregcred"));
  say({"status"});
  say({"rename", "web", "other"});
  say({"rename", "team-pull", "team-pull"});
  person_.stop_daemon(SIGTERM);
  say({"rename", "team-pull", "web"});
  EXPECT_EQ(uid("team-a"), before);
  EXPECT_EQ(secret("team-b", "myregcred")->at("metadata").at("annotations").at("regsync.dev/target"), "web");
  EXPECT_TRUE(transcript_is("rename.txt"));
}

TEST_F(CliChanges, ARenamedTargetStaysInTheNamespaceWhereItWentFirst) { rename_in_another_namespace(); }

// regsyncd ran without a name first, so that the usual folder of footprints is that of another owner.
TEST_F(CliChanges, ARenamedTargetOfANamedOwnerStaysThereToo) {
  person_.home().write(".local/state/regsync/footprints-owner", "00112233445566aa\n");
  person_.home().write(".config/regsync/config.yaml", "owner: team\n");
  rename_in_another_namespace();
}

TEST_F(CliChanges, ARenamedTargetThatIsNotInSyncIsRenamedAllTheSame) {
  start_in_sync();
  ASSERT_EQ(person_.regsync({"set", "web", "serviceAccounts=nobody", "--yes"}).exit_code, 0);
  const auto renamed = person_.regsync({"rename", "web", "team-pull"});
  EXPECT_EQ(renamed.exit_code, 1);
  EXPECT_THAT(renamed.out,
              HasSubstr("target \"web\" renamed to \"team-pull\"; its Secrets are named myregcred, and not "
                        "all are in sync:\n"));
  EXPECT_THAT(renamed.out, HasSubstr("ServiceAccountMissing"));
}

TEST_F(CliChanges, ARenamedSecretIsThereBeforeTheOldOneGoes) {
  start_in_sync();
  dev_.deny("patch", "secrets", "team-b");
  const auto held_up = say({"rename", "web", "web2", "--secret-name", "pull2"});
  EXPECT_EQ(held_up.exit_code, 1);
  EXPECT_TRUE(secret("team-a", "pull2"));
  EXPECT_TRUE(secret("team-a", "myregcred")) << "the old ones stay until all the new ones are there";
  EXPECT_TRUE(secret("team-b", "myregcred"));
  dev_.allow_all();
  say({"rename", "web", "web2", "--secret-name", "pull2"});
  EXPECT_TRUE(secret("team-b", "pull2"));
  EXPECT_FALSE(secret("team-a", "myregcred"));
  EXPECT_FALSE(secret("team-b", "myregcred"));
  EXPECT_TRUE(transcript_is("rename-secret.txt"));

  // The Secret's name of before decides, and not the target's.
  const std::string before = uid("team-a", "pull2");
  EXPECT_EQ(person_.regsync({"rename", "web2", "web3", "--secret-name", "pull2"}).exit_code, 0);
  EXPECT_EQ(uid("team-a", "pull2"), before) << "it is the Secret that was there";
  dev_.deny("patch", "secrets", "team-b");
  EXPECT_EQ(person_.regsync({"rename", "web3", "web4", "--secret-name", "web3"}).exit_code, 1);
  EXPECT_EQ(uid("team-a", "pull2"), before) << "the old ones stay until all the new ones are there";
  dev_.allow_all();
  EXPECT_EQ(person_.regsync({"rename", "web3", "web4", "--secret-name", "web3"}).exit_code, 0);
  EXPECT_TRUE(secret("team-b", "web3"));
  EXPECT_FALSE(secret("team-a", "pull2"));
}

TEST_F(CliChanges, WhatFollowsTheEndOfAPauseIsShownBefore) {
  start_in_sync();
  ASSERT_EQ(person_.regsync({"add", "api", "--registry", "ghcr.io", "-n", "team-a", "--wait"}).exit_code, 0);
  ASSERT_EQ(person_.regsync({"pause", "--context", "dev"}).exit_code, 0);
  EXPECT_EQ(person_.regsync({"remove", "api"}).exit_code, 1);
  EXPECT_EQ(person_.regsync({"set", "web", "namespaces-=team-b"}).exit_code, 0);
  const auto shown = person_.regsync({"resume", "--context", "dev", "--dry-run=server"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_EQ(shown.err,
            "target \"web\":\n  delete 1 Secret in context dev: team-b/myregcred\n"
            "target \"api\", which was removed:\n  delete 1 Secret in context dev: team-a/api\n");
  Terminal no(regsync_program({"resume", "--context", "dev"}));
  ASSERT_TRUE(no.comes_to_show("Resume? [y/N]:"));
  no.type("n\n");
  EXPECT_EQ(no.wait(), 1);
  EXPECT_TRUE(secret("team-b", "myregcred"));
  EXPECT_EQ(person_.regsync({"resume", "--context", "dev"}).exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return !secret("team-a", "api") && !secret("team-b", "myregcred"); }));
}

TEST_F(CliChanges, NoCommandMakesATargetWantAnotherTargetsSecret) {
  start_in_sync();
  ASSERT_EQ(person_.regsync({"add", "api", "--registry", "ghcr.io", "-n", "team-a", "--wait"}).exit_code, 0);
  const std::string before = file("api");
  person_.home().write("api.yaml", "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  const std::string path = (person_.home() / "api.yaml").string();
  for (const std::vector<std::string>& command : {
           std::vector<std::string>{"add", "more", "--registry", "ghcr.io", "-n", "team-a", "--secret-name",
                                    "myregcred"},
           {"set", "api", "secret=myregcred"},
           {"apply", "-f", path},
           {"apply", "-f", path, "--dry-run=server"},
           {"rename", "api", "more", "--secret-name", "myregcred"},
       }) {
    const auto refused = person_.regsync(command);
    EXPECT_EQ(refused.exit_code, 1) << command.front();
    EXPECT_THAT(refused.err, HasSubstr("target web keeps Secret myregcred in namespace team-a of context dev"));
  }
  const auto edited = person_.run({"sh", "-c", "EDITOR='cp " + path + "' regsync edit api"});
  EXPECT_EQ(edited.exit_code, 1);
  EXPECT_THAT(edited.err, HasSubstr("target web keeps Secret myregcred"));
  EXPECT_EQ(file("api"), before);

  // What is declared in the same go counts as it will be.
  person_.home().write("targets/api.yaml",
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  person_.home().write("targets/web.yaml",
                       "secret: web\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a, team-b]\n");
  EXPECT_EQ(person_.regsync({"apply", "-f", (person_.home() / "targets").string()}).exit_code, 0);
  EXPECT_TRUE(
      wait_until([&] { return secret("team-a", "web") && secret("team-b", "web") && !secret("team-a", "api"); }));
  EXPECT_TRUE(secret("team-a", "myregcred"));
}

TEST_F(CliChanges, ADiffOfOneTargetKnowsWhoTakesItsSecretsOver) {
  start_in_sync();
  person_.stop_daemon(SIGTERM);
  person_.home().write(".config/regsync/targets/web.yaml",
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-b]\n");
  const auto alone = person_.regsync({"diff", "web"});
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_THAT(alone.out, HasSubstr("-kind: Secret")) << "it would be deleted";
  person_.home().write(".config/regsync/targets/api.yaml",
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  const auto diff = person_.regsync({"diff", "web"});
  EXPECT_EQ(diff.exit_code, 1);
  EXPECT_THAT(diff.out, HasSubstr("+    regsync.dev/target: api"));
  EXPECT_THAT(diff.out, Not(HasSubstr("-kind: Secret")));
}

TEST_F(CliChanges, ADiffDeletesOnlyWhereEachAbsentContextIsKnownToLeadElsewhere) {
  start_in_sync();
  person_.stop_daemon(SIGTERM);
  const std::string path = ".local/state/regsync/contexts.json";
  json book = json::parse(read_file(person_.home() / path));
  book["contexts"]["gone"] = {{"server", "https://elsewhere.example"}, {"uid", "another"}};
  person_.home().write(path, book.dump());
  const auto diff_with = [&](const std::string& context) {
    person_.home().write(
        ".config/regsync/targets/web.yaml",
        "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev, " + context + "]\nnamespaces: [team-b]\n");
    return person_.regsync({"diff"}).out;
  };
  EXPECT_THAT(diff_with("gone"), HasSubstr("-kind: Secret"));
  EXPECT_THAT(diff_with("never-met"), Not(HasSubstr("-kind: Secret")));
}

TEST_F(CliChanges, ADiffIsAsLongAsItHasToBe) {
  constexpr std::size_t many = 2000;
  for (std::size_t i = 0; i < many; ++i) {
    dev_.make_namespace("many-" + std::to_string(i));
  }
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  person_.home().write(".config/regsync/targets/web.yaml",
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: ['many-*']\n");
  const auto diff = person_.regsync({"diff"});
  EXPECT_EQ(diff.exit_code, 1) << diff.err;
  EXPECT_GT(diff.out.size(), std::size_t{1} << 20);
  EXPECT_THAT(diff.out, Not(HasSubstr("regsync-diff.")));
}

TEST_F(CliChanges, OfTwoChangesAtTheSameTimeNoneIsLost) {
  declare_web();
  std::string commands;
  for (int i = 0; i < 8; ++i) {
    commands += "regsync set web namespaces+=n" + std::to_string(i) + " & ";
  }
  const auto outcome = person_.run({"sh", "-c", commands + "wait"});
  const std::string text = file("web");
  long there = 0;
  for (int i = 0; i < 8; ++i) {
    there += text.find("n" + std::to_string(i)) == std::string::npos ? 0 : 1;
  }
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), there) << outcome.out << text;
  EXPECT_GE(there, 1);
}

TEST_F(CliChanges, DescribeShowsEverythingAboutATarget) {
  start_in_sync();
  person_.home().write(".config/regsync/targets/other.yaml",
                       "secret: other\nregistries: [ghcr.io, quay.io]\ncontexts: [dev, 'prod*']\n"
                       "namespaceSelector: env in (prod)\nnamespaces: [team-x]\nserviceAccounts: [default]\n"
                       "expires: {ghcr.io: 2027-01-31}\n");
  say({"sync"});
  say({"describe", "web"});
  say({"describe", "other"});
  say({"describe", "wbe"});
  EXPECT_TRUE(transcript_is("describe.txt"));
}

}  // namespace
}  // namespace regsync::test
