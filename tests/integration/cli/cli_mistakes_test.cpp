// What a person is told who got something wrong, or has something missing: what, why, and what to do.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>

#include "tests/integration/cli/cli_world.hpp"

namespace regsync::test {
namespace {

using testing::HasSubstr;

class CliMistakes : public CliWorld {};

TEST_F(CliMistakes, AWrongLineIsExplained) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  note("words and options");
  say({});
  say({"stauts"});
  say({"add"});
  say({"add", "x", "--regisry", "ghcr.io"});
  say({"--output", "json", "list"});
  say({"-o", "json", "list"});
  say({"add", "x", "--registry"});
  say({"add", "x", "--on-logout", "delete"});
  say({"remove", "web", "twice"});
  say({"list", "-o", "jsn"});
  say({"completion", "tcsh"});
  say({"help", "stauts"});
  say({"remove"});
  say({"remove", "--all"});
  say({"add", "x", "--force"});
  say({"remove", "web", "--force"});
  say({"logins", "--force"});
  say({"get", "-A"});
  say({"list", "-l", "app=web"});
  say({"login", "ghcr.io"});
  say({"create", "web"});
  say({"add", "x", "ghcr.io"});
  say({"add", "x", "y", "--registry", "ghcr.io"});
  say({"apply"});
  say({"apply", "web.yaml"});
  say({"describe", "web", "-o", "json"});
  say({"rename", "web", "web"});
  note("names");
  say({"add", "x", "--registry", "ghcr.io", "--context", "prd"});
  say({"add", "x", "--registry", "ghcr.io", "--context", "staging-*"});
  say({"add", "x", "--registry", "gchr.io", "--dry-run", "--context", "dev", "-n", "Team_A"});
  say({"show", "wbe"});
  say({"remove", "wbe"});
  say({"sync", "wbe", "--once"});
  say({"verify", "wbe"});
  say({"rbac", "wbe"});
  say({"diff", "wbe"});
  say({"diff", "--context", "prdo"});
  say({"explain", "--context", "dev", "-n", "tema-a"});
  say({"explain", "--context", "dev", "-n", "tema-*"});
  say({"verify", "-n", "tema-a"});
  say({"trust-context", "dve"});
  say({"forget-context", "gone", "--dry-run"});
  say({"verify", "--image", "GHCR.io/Acme/App:1"});
  say({"add", "x", "--registry", " ghcr.io"});
  say({"add", "x", "--registry", "ghcr.io:99999"});
  for (const char* registry : {"https://hub.docker.com/r/acme/app", "https://github.com/acme", "ghcr.io/Acme", "nginx",
                               "me:password@ghcr.io"}) {
    say({"add", "x", "--registry", registry});
    say({"setup", "--registry", registry});
  }
  say({"set", "web", "expires.https://hub.docker.com=2027-01-31"});
  say({"set", "web", "refresh.nginx=6h"});
  say({"add", "x", "--registry", "ghcr.io", "--context", "dev,prod"});
  say({"set", "web", "contexts=prdo"});
  note("values");
  say({"sync", "--wait"});
  say({"add", "x", "--registry", "ghcr.io", "--timeout", "5s"});
  say({"add", "x", "--registry", "ghcr.io", "--wait", "5"});
  say({"add", "x", "--registry", "ghcr.io", "--namespace-selector", ""});
  say({"add", "x", "--registry", "ghcr.io", "--exclude-namespace", "team-a,team-b"});
  say({"add", "x", "--registry", "ghcr.io", "--dry-run", "server"});
  say({"sync", "--timeout", "soon"});
  say({"add", "x", "--registry", "ghcr.io", "--wait=5"});
  say({"rbac", "web", "--serviceaccount", "regsync"});
  say({"rbac", "web", "--user", "a", "--group", "b"});
  say({"rbac", "web", "--user", "a", "--context", "prod"});
  say({"add", "x", "--docker-password", "hunter2"});
  say({"add", "x", "--docker-username", "jdoe"});
  say({"add", "x", "--namespace-selector", "env in prod", "--registry", "ghcr.io"});
  EXPECT_TRUE(transcript_is("mistakes.txt"));
}

TEST_F(CliMistakes, AFilterThatSelectsNothingIsAnErrorOfTheDaemon) {
  start_in_sync();
  const auto said = [this](std::vector<std::string> words) {
    words.insert(words.begin(), "status");
    const auto outcome = person_.regsync(words);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_THAT(said({"wbe"}), HasSubstr("target \"wbe\" not found\nhint: did you mean \"web\"?\n"));
  EXPECT_THAT(said({"--context", "dve"}), HasSubstr("did you mean \"dev\"?"));
  EXPECT_THAT(person_.regsync({"trust-context", "dve"}).err, HasSubstr("did you mean \"dev\"?"));
  EXPECT_THAT(person_.regsync({"trust-context", "dve", "--dry-run"}).err, HasSubstr("did you mean \"dev\"?"));
  EXPECT_EQ(person_.regsync({"trust-context", "dev", "--dry-run"}).exit_code, 0);
  EXPECT_THAT(said({"--context", "prod", "--failing"}), HasSubstr("there are: dev"));
  EXPECT_THAT(said({"-n", "tema-a"}), HasSubstr("did you mean \"team-a\"?"));
  EXPECT_THAT(said({"-n", "tema-a", "-o", "json"}), HasSubstr("did you mean \"team-a\"?"));
  EXPECT_EQ(person_.regsync({"status", "-n", "team-a", "-o", "name"}).out, "dev/team-a/myregcred\n");
  EXPECT_EQ(person_.regsync({"status", "web", "--failing"}).err, "Nothing fails.\n");
}

TEST_F(CliMistakes, KubectlsSpellingsWork) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  person_.start_daemon();
  EXPECT_EQ(person_.regsync({"add", "x", "--registry", "ghcr.io", "-n", "team-a", "--wait", "20s"}).exit_code, 0);
  EXPECT_EQ(person_.regsync({"add", "y", "--registry=ghcr.io", "-n=team-a", "--wait=true"}).exit_code, 0);
  EXPECT_EQ(person_.regsync({"sync", "x", "y"}).out, "2 targets: 2 Secrets in sync\n");
  EXPECT_EQ(person_.regsync({"diff", "x", "y"}).exit_code, 0);
  EXPECT_THAT(person_.regsync({"rbac", "x", "y", "--user", "jdoe"}).out, HasSubstr("regsync-y-jdoe"));
  EXPECT_THAT(person_.regsync({"history", "x", "y"}).out, HasSubstr(" y "));
  EXPECT_EQ(person_.regsync({"sync", "x", "nosuch"}).exit_code, 1);
  EXPECT_THAT(person_.regsync({"add", "help"}).out, HasSubstr("Usage: regsync add NAME"));
  EXPECT_EQ(person_.regsync({"get", "help"}).exit_code, 0);
}

TEST_F(CliMistakes, OutputThatIsLostIsAnError) {
  declare_web();
  const auto full = person_.run({"sh", "-c", "regsync list >/dev/full"});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("error: the output cannot be written: No space left on device\nhint: "));
  EXPECT_EQ(person_.run({"sh", "-c", "regsync list >&-"}).exit_code, 1);
  EXPECT_EQ(person_.run({"sh", "-c", "regsync list | true"}).err, "");
}

TEST_F(CliMistakes, ATabInAFileIsNamed) {
  person_.home().write(".config/regsync/targets/tab.yaml", "registries: [ghcr.io]\ncontexts:\n\t- dev\n");
  const auto outcome = person_.regsync({"list"});
  EXPECT_THAT(outcome.err, HasSubstr("tab.yaml:3: a tab at the beginning of the line\n"
                                     "hint: YAML is indented with spaces: replace the tab\n"));
}

TEST_F(CliMistakes, AValueThatIsNoRegistryIsWrongUse) {
  for (const char* command : {"login", "logout", "rollback"}) {
    const auto outcome = person_.regsync({command, "ghcr.io:99999"});
    EXPECT_EQ(outcome.exit_code, 2) << command;
    EXPECT_THAT(outcome.err, HasSubstr("\"ghcr.io:99999\" has a port that does not exist\nhint: "));
  }
}

TEST_F(CliMistakes, ADryRunChangesNothing) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  EXPECT_EQ(person_.regsync({"sync", "--once", "--owner", "me"}).exit_code, 0);
  person_.env["EDITOR"] = "sed -i s/team-b/team-c/";
  const std::string before = read_file(person_.home() / ".config/regsync/targets/web.yaml");
  say({"edit", "web", "--dry-run"});
  say({"edit", "web", "--dry-run=server"});
  EXPECT_EQ(person_.regsync({"set", "web", "onLogout=remove"}).exit_code, 0);
  person_.env["REGSYNC_OWNER"] = "me";
  say({"logout", "ghcr.io", "--dry-run"});
  say({"logout", "ghcr.io", "--dry-run=server"});
  say({"login", "ghcr.io", "--username", "robot", "--password-stdin", "--no-verify", "--dry-run"}, "another");
  say({"setup", "--environment", "EDITOR,NOSUCH", "--dry-run"});
  say({"logins"});
  EXPECT_TRUE(transcript_is("dry-run.txt"));
  EXPECT_EQ(read_file(person_.home() / ".config/regsync/targets/web.yaml"), before + "onLogout: remove\n");
  EXPECT_FALSE(std::filesystem::exists(person_.home() / ".config/regsync/environment"));
}

TEST_F(CliMistakes, OnlyTargetsAreApplied) {
  const auto file = person_.home().write("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n").string();
  const auto outcome = person_.regsync({"apply", "-f", file});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("pod.yaml: kind Pod is not a target\n"));
}

TEST_F(CliMistakes, AFileThatIsNotYamlIsNamedWithTheLineOfTheFault) {
  const std::string file =
      person_.home()
          .write("targets.yaml", "name: web\nregistries: [ghcr.io]\ncontexts: [dev]\n---\na: b: c\n")
          .string();
  const auto outcome = person_.regsync({"apply", "-f", file});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("error: " + file + ": line 5: illegal map value"));
}

TEST_F(CliMistakes, AFileThatIsNotThereIsNamedWithWhatToGive) {
  const auto outcome = person_.regsync({"apply", "-f", "/nonexistent"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "error: /nonexistent does not exist\nhint: give the path of a target file, or of a folder of them\n");
}

TEST_F(CliMistakes, AFileThatCannotBeReachedIsNotSaidToBeMissing) {
  const auto link = person_.home().path() / "loop.yaml";
  std::filesystem::create_symlink("loop.yaml", link);
  const auto outcome = person_.regsync({"apply", "-f", link.string()});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, testing::AllOf(HasSubstr("Too many levels of symbolic links"),
                                          testing::Not(HasSubstr("does not exist"))));
}

// SIGXFSZ would end the command without a word, and leave half a file.
TEST_F(CliMistakes, AFileThatMayNotGrowIsTold) {
  Program program =
      regsync_program({"add", "web", "--registry", "ghcr.io", "--context", "dev", "--namespace", "team-a"});
  std::string command = "{ ulimit -f 0;";
  for (const std::string& argument : program.argv) {
    command += " " + argument;
  }
  program.argv = {"sh", "-c", command + "; echo \"code $?\"; } 2>&1 | cat"};  // what it says may go to no file either
  const Outcome outcome = run_program(program);
  EXPECT_THAT(outcome.out, testing::AllOf(HasSubstr("File too large"), HasSubstr("web.yaml"), HasSubstr("code 1\n")));
  const auto targets = person_.home() / ".config/regsync/targets";
  EXPECT_TRUE(!std::filesystem::exists(targets) || std::filesystem::is_empty(targets)) << "nothing is left behind";
}

TEST_F(CliMistakes, AnEmptyBusAddressIsNamedByItsVariable) {
  person_.env["DBUS_SESSION_BUS_ADDRESS"] = "";
  const auto outcome = person_.regsync({"logins"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, testing::StartsWith("error: DBUS_SESSION_BUS_ADDRESS is set and empty"));
  EXPECT_THAT(outcome.err, HasSubstr("hint: unset DBUS_SESSION_BUS_ADDRESS"));
}

TEST_F(CliMistakes, ARegistryWithoutALoginIsOnlyAWarning) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  say({"add", "x", "--registry", "gchr.io"});
  say({"add", "y", "--registry", "quay.io"});
  EXPECT_TRUE(transcript_is("no-login.txt"));
}

TEST_F(CliMistakes, WithoutADaemonEveryCommandSaysHowToStartIt) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  say({"status"});
  say({"status", "--watch"});
  say({"sync"});
  say({"add", "x", "--registry", "ghcr.io"});
  say({"add", "y", "--registry", "ghcr.io", "--wait"});
  say({"list", "-o", "name"});  // what could not be waited for was not kept either
  EXPECT_TRUE(transcript_is("no-daemon.txt"));
}

TEST_F(CliMistakes, WithoutAClusterItSaysWhichAndWhy) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  dev_.stop();
  say({"sync", "--once"});
  const auto began = std::chrono::steady_clock::now();
  say({"diff"});
  say({"verify"});
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20)) << "a refusal needs no time";
  EXPECT_TRUE(transcript_is("no-cluster.txt"));
}

TEST_F(CliMistakes, WithoutAKubeconfigItSaysWhereOneIsLookedFor) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  person_.env.erase("KUBECONFIG");
  say({"add", "x", "--registry", "ghcr.io"});
  say({"add", "x", "--registry", "ghcr.io", "--context", "dev"});
  say({"add", "x", "--registry", "ghcr.io", "--kubeconfig", "/nowhere"});
  person_.env["KUBECONFIG"] = person_.home().write("kubeconfig", "contexts: [\n").string();
  say({"add", "x", "--registry", "ghcr.io"});
  EXPECT_TRUE(transcript_is("no-kubeconfig.txt"));
}

TEST_F(CliMistakes, WithALockedKeyringNothingIsLostAndEveryCommandSaysSo) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  Person::keyring("lock");
  say({"logins"});
  say({"show", "web"});
  say({"diff"});
  say({"sync", "--once"});
  say({"add", "x", "--registry", "ghcr.io"});
  EXPECT_TRUE(transcript_is("locked.txt"));
  Person::keyring("unlock");
}

TEST_F(CliMistakes, SyncDoesNotWaitForAPersonToUnlockTheKeyring) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  Person::keyring("lock");
  person_.start_daemon();
  const auto began = std::chrono::steady_clock::now();
  const auto outcome = person_.regsync({"sync", "--timeout", "60s"});
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("the keyring is locked"));
  Person::keyring("unlock");
}

TEST_F(CliMistakes, AFrozenKeyringHoldsDoctorUpOnceAndCompletionHardlyAtAll) {
  declare_web();
  Person::keyring("freeze");
  const auto seconds_of = [this](const std::vector<std::string>& arguments) {
    const auto began = std::chrono::steady_clock::now();
    static_cast<void>(person_.regsync(arguments));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  EXPECT_LT(seconds_of({"__complete", "add", "web", "--registry", ""}), 10)
      << "as long as a command; TAB waits for two seconds";
  EXPECT_LT(seconds_of({"doctor"}), 20) << "it waited twice";
  EXPECT_LT(seconds_of({"sync", "--once", "--timeout", "1s"}), 9) << "as long as it waits for a keyring by itself";
}

TEST_F(CliMistakes, WithoutAKeyringEveryCommandSaysSo) {
  declare_web();
  person_.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + (person_.home() / "no-bus").string();
  say({"logins"});
  say({"show", "web"});
  say({"sync", "--once"});
  say({"add", "x"});
  EXPECT_TRUE(transcript_is("no-keyring.txt"));
}

TEST_F(CliMistakes, ABrokenTargetFileIsNamedWithItsLineAndHarmsNoOther) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  person_.home().write(".config/regsync/targets/bad.yaml", "secret: bad\nregistries: [ghcr.io]\ncontext: [dev]\n");
  say({"list"});
  say({"show", "bad"});
  say({"diff", "web"});
  say({"sync", "--once"});
  EXPECT_TRUE(dev_.find({"secrets", "team-a", "myregcred"}));
  say({"diff"});
  say({"verify", "bad"});
  say({"rbac", "--user", "jdoe", "bad"});
  say({"remove", "bad"});
  EXPECT_TRUE(transcript_is("broken-target.txt"));
}

}  // namespace
}  // namespace regsync::test
