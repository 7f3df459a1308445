// What a person is shown, and asked, before a change of a target reaches the clusters: what follows is what was shown.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/integration/cli/cli_world.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr TerminalSize wide{.rows = 50, .columns = 200};  // nothing is folded

class CliPreviews : public CliWorld {
 protected:
  // The one cluster under each of these names.
  void name_contexts(const std::vector<std::string>& names) {
    person_.env["KUBECONFIG"] = person_.home().write("kubeconfig-of-dev", dev_.kubeconfig(names)).string();
  }
  // One that somebody else made, without any login.
  void make_foreign(const std::string& name_space, const std::string& name) {
    dev_.put({"secrets", name_space, name},
             {{"type", "kubernetes.io/dockerconfigjson"}, {"data", {{".dockerconfigjson", "e30="}}}});
  }
  [[nodiscard]] bool is_foreign(const std::string& name_space, const std::string& name) const {
    return secret(name_space, name).value().at("data").at(".dockerconfigjson") == "e30=";
  }
  // A person says no to what is shown.
  void decline(const std::vector<std::string>& arguments, const std::string& question, const std::string& shown) const {
    Terminal no(regsync_program(arguments), wide);
    ASSERT_TRUE(no.comes_to_show(question + " [y/N]:"));
    EXPECT_THAT(no.screen(), HasSubstr(shown));
    no.type("n\n");
    EXPECT_EQ(no.wait(), 1);
  }
};

TEST_F(CliPreviews, ANamespaceIsAddedToThatOfATargetWhichNamesNone) {
  be_in("team-a");
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_target("own", "contexts: [dev]\n");
  person_.start_daemon();
  ASSERT_TRUE(wait_until([&] { return secret("team-a", "own").has_value(); }));
  const std::string before = uid("team-a", "own");
  be_in("default");  // it stays where it went first all the same
  const auto added = person_.regsync({"set", "own", "namespaces+=team-b"});
  EXPECT_EQ(added.exit_code, 0) << added.err;
  EXPECT_THAT(added.err, Not(HasSubstr("delete")));
  EXPECT_THAT(file("own"), HasSubstr("namespaces: [team-a, team-b]"));
  EXPECT_TRUE(wait_until([&] { return secret("team-b", "own").has_value(); }));
  EXPECT_EQ(person_.regsync({"sync"}).exit_code, 0);
  EXPECT_EQ(uid("team-a", "own"), before);
}

TEST_F(CliPreviews, ANamespaceIsNotAddedWhereEachContextHasItsOwn) {
  json config = json::parse(read_file(person_.env.at("KUBECONFIG")));
  config["contexts"][0]["context"]["namespace"] = "team-a";
  config["contexts"][1]["context"]["namespace"] = "team-b";
  person_.env["KUBECONFIG"] = person_.home().write("kubeconfig-of-two", config.dump()).string();
  declare_target("own", "contexts: [dev, prod]\n");
  const std::string before = file("own");
  const auto refused = person_.regsync({"set", "own", "namespaces+=team-c"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("regsync set own namespaces=team-a,team-b,team-c"));
  EXPECT_EQ(file("own"), before);
  EXPECT_EQ(person_.regsync({"set", "own", "namespaces=team-a", "namespaces+=team-c"}).exit_code, 0);
  EXPECT_THAT(file("own"), HasSubstr("namespaces: [team-a, team-c]"));
}

TEST_F(CliPreviews, WhatKeepsTheNewSecretFromBeingMadeIsShownBeforeTheChange) {
  start_in_sync();
  make_foreign("team-a", "regcred");
  const std::string obstacle = "Secret team-a/regcred exists and was not made by regsync";
  for (const std::vector<std::string>& command : {
           std::vector<std::string>{"set", "web", "secret=regcred", "--dry-run=server"},
           {"rename", "web", "web2", "--secret-name", "regcred", "--dry-run=server"},
           {"add", "web", "--registry", "ghcr.io", "-n", "team-a", "--secret-name", "regcred", "--replace",
            "--dry-run=server"},
       }) {
    EXPECT_THAT(person_.regsync(command).err, HasSubstr(obstacle)) << command.front();
  }
  decline({"set", "web", "secret=regcred"}, "Replace it?", obstacle);
  EXPECT_TRUE(secret("team-a", "myregcred"));
}

TEST_F(CliPreviews, ASecretStaysUntilTheOneThatReplacesItIsThere) {
  start_in_sync();
  make_foreign("team-a", "regcred");
  const std::string before = uid("team-a", "myregcred");
  const auto set = person_.regsync({"set", "web", "secret=regcred"});
  EXPECT_EQ(set.exit_code, 0);
  EXPECT_THAT(set.err, HasSubstr("delete 1 Secret in context dev: team-b/myregcred\n"));
  EXPECT_THAT(set.err, HasSubstr("Secret team-a/myregcred is kept until Secret regcred"));
  EXPECT_EQ(person_.regsync({"sync"}).exit_code, 1);
  EXPECT_EQ(uid("team-a", "myregcred"), before);
  EXPECT_TRUE(secret("team-b", "regcred"));
  EXPECT_FALSE(secret("team-b", "myregcred"));
  EXPECT_THAT(person_.regsync({"status"}).out, HasSubstr("is kept until Secret regcred"));
  EXPECT_EQ(person_.regsync({"sync", "web", "--adopt"}).exit_code, 0);
  EXPECT_FALSE(is_foreign("team-a", "regcred"));
  EXPECT_TRUE(wait_until([&] { return !secret("team-a", "myregcred"); }));
}

TEST_F(CliPreviews, WhatWasMadeThroughAContextThatHasAnotherNameNowIsFound) {
  name_contexts({"old"});
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_target("a", "contexts: [old]\nnamespaces: [team-a, team-b]\n");
  declare_target("b", "contexts: [old]\nnamespaces: [team-a, team-b]\n");
  person_.start_daemon();
  ASSERT_TRUE(wait_until([&] { return secret("team-a", "b") && secret("team-b", "b"); }));
  ASSERT_TRUE(all_in_sync());
  name_contexts({"new"});
  const auto narrowed = person_.regsync({"set", "a", "contexts=new", "namespaces=team-a", "--dry-run=server"});
  EXPECT_THAT(narrowed.err, HasSubstr("delete 1 Secret in context new: team-b/a\n"));
  ASSERT_EQ(person_.regsync({"set", "b", "contexts=new"}).exit_code, 0);
  ASSERT_TRUE(wait_until([&] { return person_.regsync({"sync", "b"}).exit_code == 0; }));
  const auto shown = person_.regsync({"remove", "a", "--dry-run=server"});
  EXPECT_THAT(shown.out, HasSubstr("delete 2 Secrets in context new: team-a/a, team-b/a\n"));
  EXPECT_TRUE(secret("team-a", "a"));
  static_cast<void>(person_.regsync({"remove", "a"}));
  EXPECT_TRUE(wait_until([&] { return !secret("team-a", "a") && !secret("team-b", "a"); })) << "as it was shown";
}

TEST_F(CliPreviews, ATargetThatNamesAContextWhichIsGoneDeletesNothing) {
  start_in_sync();
  declare_target("web", "secret: myregcred\ncontexts: [dev, gone]\nnamespaces: [team-a, team-b]\n");
  const auto shown = person_.regsync({"set", "web", "namespaces-=team-b", "--dry-run=server"});
  EXPECT_THAT(shown.err, Not(HasSubstr("delete")));
  ASSERT_EQ(person_.regsync({"set", "web", "namespaces-=team-b"}).exit_code, 0);
  static_cast<void>(person_.regsync({"sync"}));
  EXPECT_TRUE(secret("team-b", "myregcred")) << "as it was shown";
}

TEST_F(CliPreviews, WhatIsAdoptedIsShownWithWhoseItIsAndAskedFor) {
  start_in_sync();
  make_foreign("team-a", "regcred");
  const std::string theirs = uid("team-a", "regcred");
  const std::string what = "take over 1 Secret in context dev, written by kubectl-edit: team-a/regcred";
  decline({"add", "regcred", "--registry", "ghcr.io", "-n", "team-a", "--adopt"}, "Take them over?", what);
  EXPECT_TRUE(is_foreign("team-a", "regcred"));

  ASSERT_EQ(person_.regsync({"add", "regcred", "--registry", "ghcr.io", "-n", "team-a"}).exit_code, 0);
  const auto shown = person_.regsync({"sync", "regcred", "--adopt", "--dry-run"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, HasSubstr(what));
  EXPECT_TRUE(is_foreign("team-a", "regcred"));
  Terminal yes(regsync_program({"sync", "regcred", "--adopt"}), wide);
  ASSERT_TRUE(yes.comes_to_show("Take them over? [y/N]:"));
  EXPECT_TRUE(is_foreign("team-a", "regcred"));
  yes.type("y\n");
  EXPECT_EQ(yes.wait(), 0);
  EXPECT_FALSE(is_foreign("team-a", "regcred"));
  EXPECT_EQ(uid("team-a", "regcred"), theirs);
}

// The login that is given with the target is not in the keyring yet.
TEST_F(CliPreviews, WhatIsAdoptedForALoginThatIsGivenIsShownToo) {
  person_.start_daemon();
  make_foreign("team-a", "regcred");
  decline({"add", "regcred", "--docker-server", "ghcr.io", "--docker-username", "jdoe", "--docker-password", "hunter2",
           "-n", "team-a", "--adopt"},
          "Take them over?", "take over 1 Secret in context dev, written by kubectl-edit: team-a/regcred");
}

TEST_F(CliPreviews, ADryRunShowsWhatFollowsFromTheLoginThatIsGiven) {
  const auto dry_run = [this] {
    return person_.regsync({"add", "pull", "--docker-server", "ghcr.io", "--docker-username", "jdoe",
                            "--docker-password-stdin", "-n", "team-a", "--dry-run=server"},
                           "hunter2");
  };
  const auto first = dry_run();
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("create 1 Secret in context dev: team-a/pull\n"));
  EXPECT_EQ(person_.regsync({"logins", "-o", "name"}).out, "") << "nothing is stored";
  person_.store_login("ghcr.io", "robot", "hunter1");
  EXPECT_THAT(dry_run().err, HasSubstr("replacing the login of robot at ghcr.io by that of jdoe\n"));
  EXPECT_THAT(person_.regsync({"logins"}).out, HasSubstr("robot"));
}

TEST_F(CliPreviews, AReplacementNamesTheFieldsThatItDrops) {
  declare_target("web", "contexts: [dev]\nnamespaces: [team-a]\npaused: true\nexpires: {ghcr.io: 2027-01-31}\n");
  const std::string before = file("web");
  const std::string told = "replacing target \"web\":\n  no longer: expires.ghcr.io, paused\n";
  std::vector<std::string> command{"add", "web", "--registry", "ghcr.io", "-n", "team-a", "--replace"};
  for (const char* dry_run : {"--dry-run", "--dry-run=server"}) {
    command.emplace_back(dry_run);
    EXPECT_THAT(person_.regsync(command).err, HasSubstr(told)) << dry_run;
    command.pop_back();
  }
  EXPECT_EQ(file("web"), before);
  EXPECT_THAT(person_.regsync(command).err, HasSubstr(told));
  EXPECT_THAT(file("web"), Not(HasSubstr("paused")));
}

TEST_F(CliPreviews, NobodyIsAskedWhereNothingIsAdopted) {
  start_in_sync();
  Terminal nothing(regsync_program({"sync", "--adopt"}));
  EXPECT_EQ(nothing.wait(), 0);
  make_foreign("team-a", "regcred");
  const auto added = person_.regsync({"add", "regcred", "--registry", "ghcr.io", "-n", "team-a", "--adopt"});
  EXPECT_EQ(added.exit_code, 0) << "a script is not asked";
  EXPECT_FALSE(is_foreign("team-a", "regcred"));
}

}  // namespace
}  // namespace regsync::test
