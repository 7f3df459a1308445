// regsync doctor: all well, and then each thing gone wrong on its own.
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/integration/cli/cli_world.hpp"
#include "tests/support/registry.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class CliDoctor : public CliWorld {
 protected:
  CliDoctor() : registry_("hunter2") {
    person_.store_login(registry_.address(), "jdoe", "hunter2");
    declare("web", registry_.address());
    systemctl("enabled", "active");
    person_.home().write(".config/containers/registries.conf", "credential-helpers = [\"regsync\"]\n");
    person_.home().write("run/systemd/private", "");  // where a user manager listens
    person_.env["PATH"] = (person_.home() / "bin").string() + ":" + person_.env["PATH"];
  }

  void declare(const std::string& name, const std::string& registry) const {
    person_.home().write(
        ".config/regsync/targets/" + name + ".yaml",
        "secret: " + name + "\nregistries: ['" + registry + "']\ncontexts: [dev]\nnamespaces: [team-a]\n");
  }

  // What the user manager says of regsyncd.service.
  void systemctl(const std::string& enabled, const std::string& active) const {
    const auto program = person_.home().write(
        "bin/systemctl", "#!/bin/sh\n[ \"$2\" = is-enabled ] && echo " + enabled + " || echo " + active + "\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }

  void start() {
    person_.start_daemon();
    ASSERT_TRUE(all_in_sync());
  }

  struct Finding {
    std::string verdict;
    std::string text;
    std::string remedy;
  };

  // Every finding about a subject, one below the other; the verdict is the worst.
  [[nodiscard]] Finding finding(const std::string& subject) {
    const Outcome outcome = person_.regsync({"doctor", "-o", "json"});
    Finding found{.verdict = "none", .text = {}, .remedy = {}};
    bool failed = false;
    const json findings = json::parse(outcome.out).at("items");
    for (const json& item : findings) {
      failed = failed || item.at("verdict") == "failed";
      EXPECT_EQ(item.contains("remedy"), item.at("verdict") != "ok") << item;
      if (item.at("subject") != subject) {
        continue;
      }
      const bool worse = found.verdict != "failed" && (found.verdict != "warning" || item.at("verdict") == "failed");
      found.verdict = worse ? item.at("verdict").get<std::string>() : found.verdict;
      found.text += item.at("text").get<std::string>() + "\n";
      found.remedy += item.value("remedy", "") + "\n";
    }
    EXPECT_EQ(outcome.exit_code, failed ? 1 : 0) << outcome.out;
    return found;
  }

  Registry registry_;
};

TEST_F(CliDoctor, SaysThatAllIsWell) {
  start();
  const auto outcome = person_.regsync({"doctor"});
  EXPECT_EQ(outcome.exit_code, 0);
  const std::regex port(registry_.address());
  EXPECT_TRUE(is_golden(std::regex_replace(outcome.out, port, "127.0.0.1:50000"), "doctor.txt"));
}

// In a list of a hundred, what is wrong with one of them would not be seen.
TEST_F(CliDoctor, ManyContextsThatAreAllRightShareALine) {
  json config = json::parse(read_file(person_.env["KUBECONFIG"]));
  for (const char* name : {"dev1", "dev2", "dev3", "dev4"}) {
    config["contexts"].push_back({{"name", name}, {"context", {{"cluster", "dev"}, {"user", "me"}}}});
  }
  config["contexts"].push_back({{"name", "dev5"}, {"context", {{"cluster", "nowhere"}, {"user", "me"}}}});
  person_.home().write("kubeconfig", config.dump());
  person_.home().write(".config/regsync/targets/web.yaml",
                       "registries: ['" + registry_.address() + "']\ncontexts: ['dev*']\nnamespaces: [team-a]\n");
  const Outcome outcome = person_.regsync({"doctor"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, testing::ContainsRegex("ok +5 contexts +reachable"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("ok +5 contexts +has the rights that target web needs"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("FAILED +context dev5 "));
  EXPECT_EQ(finding("context dev4").verdict, "ok") << "programs get every one";
}

// Two targets need much the same rights, and a target with plain namespaces those of each.
TEST_F(CliDoctor, ARightIsAskedForOnce) {
  person_.home().write(".config/regsync/targets/api.yaml", "secret: web\nregistries: ['" + registry_.address() +
                                                               "']\ncontexts: [dev]\nnamespaces: [team-a, team-b]\n");
  dev_.forget_requests();
  EXPECT_EQ(finding("context dev").verdict, "ok");
  EXPECT_EQ(dev_.count("create", "selfsubjectaccessreviews"), 12U);
}

TEST_F(CliDoctor, ALostStateFolderHasOneWayBack) {
  start();
  const auto metadata = [&] { return dev_.find({"secrets", "team-a", "web"})->at("metadata"); };
  const json before = metadata();
  person_.stop_daemon(SIGTERM);
  std::filesystem::remove_all(person_.home() / ".local/state/regsync");
  const auto says_the_way = [&] {
    const Finding context = finding("context dev");
    EXPECT_EQ(context.verdict, "failed") << context.text;
    EXPECT_THAT(context.text, HasSubstr("1 Secret made here by this user on this machine under another owner id"));
    EXPECT_THAT(context.remedy, HasSubstr("regsync sync --adopt\n"));
  };
  says_the_way();
  EXPECT_FALSE(std::filesystem::exists(person_.home() / ".local/state/regsync/owner")) << "doctor makes nothing";

  person_.start_daemon();
  const Outcome synced = person_.regsync({"sync"});
  EXPECT_EQ(synced.exit_code, 1);
  const Outcome status = person_.regsync({"status"});
  EXPECT_EQ(status.exit_code, 1);
  EXPECT_THAT(status.out, AllOf(HasSubstr("state folder was lost"), HasSubstr("regsync sync --adopt\n")));
  EXPECT_EQ(person_.regsync({"diff"}).exit_code, 1);
  says_the_way();

  const Outcome adopted = person_.regsync({"sync", "--adopt"});
  EXPECT_EQ(adopted.exit_code, 0) << adopted.out << adopted.err;
  EXPECT_EQ(person_.regsync({"status"}).exit_code, 0);
  EXPECT_EQ(person_.regsync({"diff"}).exit_code, 0);
  EXPECT_EQ(finding("context dev").verdict, "ok");
  EXPECT_EQ(metadata().at("uid"), before.at("uid"));
  EXPECT_NE(metadata().at("annotations").at("regsync.dev/owner"), before.at("annotations").at("regsync.dev/owner"));
}

TEST_F(CliDoctor, PutsTheRemedyBelowWhatFailedAndColoursItOnATerminal) {
  dev_.deny("create", "secrets", "team-a");
  Terminal terminal(regsync_program({"doctor"}), {.rows = 60, .columns = 200});
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_THAT(terminal.bytes(), HasSubstr("\x1b[31mFAILED\x1b[0m"));
  EXPECT_THAT(terminal.screen(), HasSubstr("may not: create secrets in team-a\n"
                                           "          -> have an administrator run: regsync rbac web"));
}

TEST_F(CliDoctor, FitsTheTerminal) {
  start();
  dev_.deny("create", "secrets", "team-a");
  Terminal wide(regsync_program({"doctor"}), {.rows = 60, .columns = 200});
  EXPECT_EQ(wide.wait(), 1);
  const std::regex port(registry_.address());
  EXPECT_TRUE(is_golden(std::regex_replace(wide.screen() + "\n", port, "127.0.0.1:50000"), "doctor-200-columns.txt"));
  // Process ids have digits as they come, so a golden cannot say where these lines break.
  Terminal narrow(regsync_program({"doctor"}), {.rows = 60, .columns = 80});
  EXPECT_EQ(narrow.wait(), 1);
  EXPECT_THAT(narrow.screen(), HasSubstr("default collection, is\n                                  unlocked"));
  EXPECT_THAT(narrow.screen(),
              HasSubstr("          -> have an administrator run:\n"
                        "            regsync rbac web --context dev | kubectl --context dev apply -f -\n"));
}

TEST_F(CliDoctor, NoSessionBus) {
  person_.env["DBUS_SESSION_BUS_ADDRESS"] = "";
  EXPECT_EQ(finding("session bus").verdict, "failed");
  EXPECT_THAT(finding("session bus").remedy, HasSubstr("unset DBUS_SESSION_BUS_ADDRESS"));
  person_.env.erase("DBUS_SESSION_BUS_ADDRESS");
  const Finding bus = finding("session bus");
  EXPECT_EQ(bus.verdict, "failed");
  EXPECT_THAT(bus.remedy, HasSubstr("regsync setup --headless"));
  EXPECT_EQ(finding("keyring").verdict, "none") << "it is told once";
}

TEST_F(CliDoctor, ASessionBusThatNobodyAnswersOn) {
  person_.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + (person_.home() / "no-bus").string();
  const Finding bus = finding("session bus");
  EXPECT_EQ(bus.verdict, "failed");
  EXPECT_THAT(bus.text, HasSubstr("cannot reach the D-Bus session bus"));
}

TEST_F(CliDoctor, NoSecretService) {
  Person::keyring("stop");
  const Finding keyring = finding("keyring");
  EXPECT_EQ(finding("session bus").verdict, "ok");
  EXPECT_EQ(keyring.verdict, "failed");
  EXPECT_THAT(keyring.remedy, HasSubstr("regsync setup --headless"));
  Person::keyring("start");
}

TEST_F(CliDoctor, ALockedKeyring) {
  Person::keyring("lock");
  const Finding keyring = finding("keyring");
  EXPECT_EQ(keyring.verdict, "failed");
  EXPECT_THAT(keyring.text, HasSubstr("locked"));
  EXPECT_THAT(keyring.remedy, HasSubstr("unlock"));
  Person::keyring("unlock");
}

TEST_F(CliDoctor, TheHelperIsNotOnPath) {
  EXPECT_EQ(finding("helper").verdict, "ok");
  // Only regsync itself is.
  std::filesystem::create_symlink(REGSYNC, person_.home() / "bin/regsync");
  person_.env["PATH"] = (person_.home() / "bin").string() + ":/usr/bin:/bin";
  const Finding helper = finding("helper");
  EXPECT_EQ(helper.verdict, "failed");
  EXPECT_THAT(helper.remedy, HasSubstr("PATH"));
}

TEST_F(CliDoctor, AnotherProgramOfTheNameComesFirstOnPath) {
  EXPECT_EQ(finding("program").verdict, "none");
  const auto other = person_.home().write("other/regsync", "#!/bin/sh\n");
  std::filesystem::permissions(other, std::filesystem::perms(0755));
  person_.env["PATH"] = other.parent_path().string() + ":" + person_.env["PATH"];
  const Outcome outcome = person_.run({REGSYNC, "doctor"});
  EXPECT_THAT(outcome.out, HasSubstr("another program called regsync comes first on PATH: " + other.string()));
}

TEST_F(CliDoctor, ATargetWhoseNameEndsInYmlIsNotOverlooked) {
  person_.home().write(".config/regsync/targets/web.yml", "registries: [ghcr.io]\ncontexts: [dev]\n");
  const Finding found = finding("target web.yml");
  EXPECT_THAT(found.text, HasSubstr("web.yml: ignored"));
  EXPECT_THAT(found.remedy, testing::ContainsRegex("^rename it: mv /[^ ]*/web.yml /[^ ]*/web.yaml\n$"));
  EXPECT_EQ(finding("targets").verdict, "none") << "it is told once";
}

TEST_F(CliDoctor, PodmanAndItsLikeWriteLoginsInPlainText) {
  const auto podman = person_.home().write("bin/podman", "#!/bin/sh\n");
  std::filesystem::permissions(podman, std::filesystem::perms(0755));
  EXPECT_EQ(finding("containers").verdict, "ok");
  person_.home().write("run/containers/auth.json", R"({"auths": {"quay.io": {"auth": "YTpi"}}})");
  const std::string findings = person_.regsync({"doctor"}).out;
  EXPECT_THAT(findings, AllOf(HasSubstr("containers/auth.json holds 1 login in plain text"),
                              HasSubstr("podman logout quay.io && podman login quay.io")));
  std::filesystem::remove(person_.home() / ".config/containers/registries.conf");
  const Finding containers = finding("containers");
  EXPECT_EQ(containers.verdict, "warning");
  EXPECT_THAT(containers.text, AllOf(HasSubstr("podman"), HasSubstr("in plain text")));
  EXPECT_THAT(containers.remedy, HasSubstr("regsync setup --containers"));
}

TEST_F(CliDoctor, HelmWritesLoginsInPlainText) {
  const auto helm = person_.home().write("bin/helm", "#!/bin/sh\n");
  std::filesystem::permissions(helm, std::filesystem::perms(0755));
  const Finding plain = finding("helm");
  EXPECT_EQ(plain.verdict, "warning");
  EXPECT_THAT(plain.text, AllOf(HasSubstr("helm/registry/config.json"), HasSubstr("in plain text")));
  EXPECT_THAT(plain.remedy, HasSubstr("regsync setup --helm --import"));
  person_.home().write(".config/helm/registry/config.json", R"({"credsStore": "regsync"})");
  EXPECT_EQ(finding("helm").verdict, "ok");

  // As `regsync setup --helm --registry ghcr.io` leaves it.
  person_.home().write(".config/helm/registry/config.json", R"({"credHelpers": {"ghcr.io": "regsync"}})");
  const Finding some = finding("helm");
  EXPECT_EQ(some.verdict, "ok");
  EXPECT_THAT(some.text, HasSubstr("the logins of some registries"));
}

TEST_F(CliDoctor, DockerDoesNotUseTheHelper) {
  person_.home().write(".docker/config.json", R"({"credsStore": "secretservice"})");
  const Finding other = finding("docker");
  EXPECT_EQ(other.verdict, "failed");
  EXPECT_THAT(other.text, HasSubstr("keeps logins with secretservice"));
  EXPECT_THAT(other.remedy, HasSubstr("regsync setup"));

  person_.home().write(".docker/config.json", R"({"auths": {"ghcr.io": {"auth": "amRvZTpodW50ZXIy"}}})");
  const Finding none = finding("docker");
  EXPECT_EQ(none.verdict, "failed");
  EXPECT_THAT(none.text, AllOf(HasSubstr("names no credential helper"), HasSubstr("1 login in plain text")));

  person_.home().write(".docker/config.json", "{");
  EXPECT_EQ(finding("docker").verdict, "failed");

  person_.home().write(".docker/config.json", R"({"credHelpers": {"ghcr.io": "regsync"}})");
  EXPECT_EQ(finding("docker").verdict, "ok");
}

TEST_F(CliDoctor, TheAdviceForPlainLoginsCanBeFollowed) {
  const auto advice = [&](const std::string& auths) {
    person_.home().write(".docker/config.json", R"({"credHelpers": {"ghcr.io": "regsync"}, "auths": )" + auths + "}");
    const json all = json::parse(person_.regsync({"doctor", "-o", "json"}).out);
    for (const json& item : all.at("items")) {
      if (item.at("text").get<std::string>().find("in plain text") != std::string::npos) {
        return item.at("remedy").get<std::string>();
      }
    }
    return std::string();
  };
  const std::string path = R"("quay.io/team": {"auth": "amRvZTpodW50ZXIy"})";
  EXPECT_EQ(advice("{" + path + R"(, "quay.io": {"auth": "amRvZTpodW50ZXIy"}})"),
            "regsync setup --import --registry quay.io");
  EXPECT_EQ(advice("{" + path + "}"), "regsync setup --import");
  ASSERT_EQ(person_.regsync({"setup", "--import"}).exit_code, 0);
  EXPECT_EQ(json::parse(read_file(person_.home() / ".docker/config.json"))["auths"]["quay.io/team"], json::object());
}

TEST_F(CliDoctor, TheUnitsAreNotInstalledDisabledOrFailed) {
  systemctl("not-found", "inactive");
  Finding service = finding("service");
  EXPECT_EQ(service.verdict, "failed");
  EXPECT_THAT(service.text, HasSubstr("not installed"));

  systemctl("disabled", "inactive");
  service = finding("service");
  EXPECT_EQ(service.verdict, "warning");
  EXPECT_THAT(service.remedy, HasSubstr("systemctl --user enable --now"));

  systemctl("enabled", "failed");
  service = finding("service");
  EXPECT_EQ(service.verdict, "failed");
  EXPECT_THAT(service.remedy, HasSubstr("journalctl --user -u regsyncd"));

  std::filesystem::remove(person_.home() / "run/systemd/private");
  EXPECT_EQ(finding("service").verdict, "warning");
}

TEST_F(CliDoctor, TheDaemonDoesNotRun) {
  const Finding daemon = finding("daemon");
  EXPECT_EQ(daemon.verdict, "failed");
  EXPECT_THAT(daemon.remedy, HasSubstr("start regsyncd: "));
}

TEST_F(CliDoctor, SomethingIsNotInSync) {
  start();
  dev_.deny("", "secrets");
  person_.store_login(registry_.address(), "jdoe", "rotated");
  EXPECT_TRUE(wait_until([&] { return person_.regsync({"status"}).exit_code == 1; }));
  const Finding sync = finding("sync");
  EXPECT_EQ(sync.verdict, "failed");
  EXPECT_THAT(sync.remedy, HasSubstr("regsync status"));
}

TEST_F(CliDoctor, AContextIsUnreachable) {
  declare("web", registry_.address());
  dev_.stop();
  const Finding context = finding("context dev");
  EXPECT_EQ(context.verdict, "failed");
  EXPECT_THAT(context.text, HasSubstr(": connection refused"));
}

TEST_F(CliDoctor, AContextIsNotInTheKubeconfig) {
  person_.home().write(".config/regsync/targets/web.yaml", "secret: web\nregistries: [ghcr.io]\ncontexts: [dve]\n");
  const Finding kubeconfig = finding("kubeconfig");
  EXPECT_EQ(kubeconfig.verdict, "failed");
  EXPECT_THAT(kubeconfig.remedy, HasSubstr("did you mean \"dev\"?"));
}

TEST_F(CliDoctor, AContextThatNoTargetSelectsIsNotAsked) {
  dev_.forget_requests();
  person_.home().write(".config/regsync/targets/web.yaml",
                       "registries: ['" + registry_.address() + "']\ncontextSelector: env=prod\n");
  EXPECT_EQ(finding("context dev").verdict, "none");
  EXPECT_EQ(finding("context prod").verdict, "none");
  EXPECT_EQ(dev_.count("create", "selfsubjectaccessreviews"), 0U);
}

TEST_F(CliDoctor, RightsAreMissing) {
  EXPECT_EQ(finding("context dev").verdict, "ok");
  dev_.deny("create", "secrets", "team-a");
  const Finding context = finding("context dev");
  EXPECT_EQ(context.verdict, "failed");
  EXPECT_THAT(context.text, HasSubstr("target web may not: create secrets in team-a\n"));
  EXPECT_THAT(context.remedy, HasSubstr("regsync rbac web --context dev | kubectl --context dev apply -f -"));
}

// Several are asked at a time.
TEST_F(CliDoctor, WhyRightsAreNotKnownIsTold) {
  start();
  dev_.inject({.verb = "create", .resource = "selfsubjectaccessreviews", .times = -1, .status = 503});
  const Finding found = finding("context dev");
  EXPECT_EQ(found.verdict, "failed");
  EXPECT_THAT(found.text, AllOf(HasSubstr("the API server failed (503)"), testing::Not(HasSubstr("exception"))));
}

TEST_F(CliDoctor, AServerThatIsBusyIsAskedAgain) {
  start();
  dev_.inject({.verb = "create", .resource = "selfsubjectaccessreviews", .status = 429, .retry_after = 1});
  EXPECT_EQ(finding("context dev").verdict, "ok");
}

TEST_F(CliDoctor, TheClocksDiffer) {
  dev_.set_clock_skew(std::chrono::minutes(-10));
  const Finding behind = finding("context dev");
  EXPECT_EQ(behind.verdict, "failed");
  EXPECT_THAT(behind.text, HasSubstr("this machine's clock is 10m ahead of the API server's"));
  dev_.set_clock_skew(std::chrono::hours(3));
  EXPECT_THAT(finding("context dev").text, HasSubstr("behind the API server's"));
  dev_.set_clock_skew(std::chrono::seconds(20));
  EXPECT_EQ(finding("context dev").verdict, "ok");
}

TEST_F(CliDoctor, ALoginIsStaleOrMissingOrUnfit) {
  EXPECT_EQ(finding("login " + registry_.address()).verdict, "ok");
  registry_.set_password("rotated");
  const Finding stale = finding("login " + registry_.address());
  EXPECT_EQ(stale.verdict, "failed");
  EXPECT_THAT(stale.text, HasSubstr("stale: "));
  EXPECT_THAT(stale.remedy, HasSubstr("docker login " + registry_.address()));

  registry_.stop();
  EXPECT_EQ(finding("login " + registry_.address()).verdict, "warning") << "nobody knows";

  declare("web", "quay.io");
  EXPECT_THAT(finding("login quay.io").text, HasSubstr("no login for quay.io"));
  person_.store_login("quay.io", "<token>", "hunter2");
  EXPECT_EQ(finding("login quay.io").verdict, "failed");
}

TEST_F(CliDoctor, ATargetOrTheSettingsCannotBeRead) {
  person_.home().write(".config/regsync/targets/bad.yaml", "registries: [ghcr.io\n");
  EXPECT_EQ(finding("target bad").verdict, "failed");
  person_.home().write(".config/regsync/config.yaml", "concurency: 3\n");
  EXPECT_EQ(finding("settings").verdict, "failed");
  EXPECT_EQ(finding("context dev").verdict, "ok") << "what does not depend on the settings is checked all the same";
  EXPECT_EQ(finding("login " + registry_.address()).verdict, "ok");
  EXPECT_EQ(finding("owner").verdict, "none") << "it is told once";
}

}  // namespace
}  // namespace regsync::test
