// Whole commands, as a person or a program runs them, against a daemon, a store and files of the test's own.
#include "sync/cli/cli.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "helper/base/text.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/control/messages.hpp"
#include "sync/engine/footprint.hpp"
#include "tests/support/control_peer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;
using test::ControlPeer;
using test::FakeConsole;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kubeconfig = R"(apiVersion: v1
kind: Config
current-context: dev
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts:
- {name: dev, context: {cluster: c, user: u}}
- {name: prod, context: {cluster: c, user: u, namespace: web}}
)";

// Shows nothing until it is unlocked.
class LockedStore final : public CredentialStore {
 public:
  void store(const Credential&) override { throw Error(locked); }
  std::optional<Credential> get(std::string_view) override { throw Error(locked); }
  bool erase(std::string_view) override { throw Error(locked); }
  std::vector<Login> list() override { throw Error(locked); }
  StoreReading load(std::set<RegistryKey> asked) override {
    StoreReading reading;
    reading.asked = std::move(asked);
    reading.provider = StoreProvider{.program = "memory", .pid = 1, .bus_name = ":1.1"};
    reading.collections = {{.path = "/login", .label = "Login", .locked = true, .is_default = true}};
    reading.problem = locked;
    return reading;
  }

 private:
  const Error locked{ErrorCode::locked, "the keyring is locked", "unlock it"};
};

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("HOME", home_.path().c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", (home_ / "config").c_str(), 1);
    ::setenv("XDG_STATE_HOME", (home_ / "state").c_str(), 1);
    ::setenv("XDG_RUNTIME_DIR", (home_ / "run").c_str(), 1);
    ::setenv("DBUS_SESSION_BUS_ADDRESS", ("unix:path=" + (home_ / "no-bus").string()).c_str(), 1);
    ::setenv("KUBECONFIG", home_.write("kubeconfig", kubeconfig).c_str(), 1);
    std::filesystem::create_directories(home_ / "run/regsync");
  }

  void log_in(const std::string& server, const std::string& user) {
    console_.store().store({{server, user}, SecretString("hunter2")});
  }
  int run(const std::vector<std::string>& arguments) { return cli::run(arguments, console_.console()); }
  [[nodiscard]] std::filesystem::path socket() const { return home_ / "run/regsync/control.sock"; }
  [[nodiscard]] std::string target_file(const std::string& name) const {
    return test::read_file(home_ / ("config/regsync/targets/" + name + ".yaml"));
  }

  // A daemon that answers every request with the same report.
  [[nodiscard]] static ControlPeer::Script answering(StatusReport report) {
    return [report = std::move(report)](ControlPeer::Connection& connection) {
      for (std::string line = connection.read_line(); !line.empty(); line = connection.read_line()) {
        connection.write(control::make_response(json::parse(line)["id"], control::to_json(report)));
      }
    };
  }

  test::TempDir home_;
  FakeConsole console_;
};

TEST_F(Cli, AWrongWordIsExplainedAndExits2) {
  EXPECT_EQ(run({"stauts"}), 2);
  EXPECT_EQ(console_.err(),
            "error: unknown command \"stauts\"\nhint: did you mean \"regsync status\"? see: regsync --help\n");
  EXPECT_THAT(console_.out(), IsEmpty());
}

TEST_F(Cli, AWrongOptionIsExplained) {
  EXPECT_EQ(run({"add", "web", "--regisry", "ghcr.io"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("did you mean --registry?"));
}

TEST_F(Cli, EveryCommandHasHelpWithExamples) {
  for (const char* command :
       {"add",   "edit",     "set",  "apply",   "rename",         "pause",         "resume",     "remove",
        "list",  "describe", "show", "status",  "sync",           "diff",          "verify",     "logins",
        "setup", "doctor",   "rbac", "history", "forget-context", "trust-context", "completion", "version"}) {
    FakeConsole console;
    EXPECT_EQ(cli::run({command, "--help"}, console.console()), 0) << command;
    EXPECT_THAT(console.out(), HasSubstr("Usage: regsync " + std::string(command))) << command;
    EXPECT_THAT(console.out(), HasSubstr("Examples:\n  # ")) << command;
  }
}

// The words of a help that begin with "--", up to what an option takes.
std::set<std::string> options_in(const std::string& help) {
  std::set<std::string> options;
  const std::regex option(R"((?:^|\n)  (?:-\w, )?--([a-z-]+)(?:, --([a-z-]+))?)");
  for (std::sregex_iterator match(help.begin(), help.end(), option), end; match != end; ++match) {
    options.insert((*match)[1]);
    if ((*match)[2].matched) {
      options.insert((*match)[2]);
    }
  }
  return options;
}

TEST_F(Cli, TheManualPageKnowsEveryCommandAndOptionOfTheHelp) {
  const std::string page = test::read_file(REGSYNC_SOURCE_DIR "/sync/cli/regsync.1");
  const std::string shared = page.substr(page.find(".Ss Options of many commands"));
  FakeConsole top;
  cli::run({"--help"}, top.console());
  const std::string all = top.out();
  const std::regex command_line(R"(\n  ([a-z]+)(?:, [a-z]+)* +[A-Z])");
  std::size_t commands = 0;
  for (std::sregex_iterator match(all.begin(), all.end(), command_line), end; match != end; ++match, ++commands) {
    const std::string command = (*match)[1];
    const std::string item = "\n.It Cm " + command;
    const auto begin = page.find(item);
    ASSERT_NE(begin, std::string::npos) << command;
    const std::string part = page.substr(begin, page.find("\n.It Cm ", begin + item.size()) - begin);
    FakeConsole console;
    cli::run({command, "--help"}, console.console());
    const auto options = options_in(console.out());
    EXPECT_TRUE(options.contains("help")) << console.out();
    for (const std::string& option : options) {
      const std::regex mentioned("(Fl|,) -" + option + "\\b");
      EXPECT_TRUE(std::regex_search(part, mentioned) || std::regex_search(shared, mentioned))
          << command << " --" << option;
    }
  }
  EXPECT_GE(commands, 20U) << "the pattern no longer finds them";
}

TEST_F(Cli, AddTakesTheOneLoginAndTheCurrentContext) {
  log_in("ghcr.io", "me");
  EXPECT_EQ(run({"add", "myregcred"}), 0);
  EXPECT_EQ(target_file("myregcred"),
            "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [default]\n");
  EXPECT_THAT(console_.err(), HasSubstr("regsyncd is not running"));
}

TEST_F(Cli, AddWithSeveralLoginsAsksOnATerminalOnly) {
  log_in("ghcr.io", "me");
  log_in("quay.io", "you");
  EXPECT_EQ(run({"add", "web"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("several logins are possible: ghcr.io (me), quay.io (you)"));

  FakeConsole terminal("nonsense\n2\n");
  terminal.be_terminal();
  terminal.store().store({{"ghcr.io", "me"}, SecretString("x")});
  terminal.store().store({{"quay.io", "you"}, SecretString("x")});
  EXPECT_EQ(cli::run({"add", "web"}, terminal.console()), 0);
  EXPECT_THAT(target_file("web"), HasSubstr("registries: [quay.io]"));
}

TEST_F(Cli, AddKeepsTheLoginOfKubectlsFlagsInTheStore) {
  FakeConsole console("hunter2\n");
  EXPECT_EQ(cli::run({"add", "web", "--docker-username", "me", "--docker-password-stdin", "--docker-email", "me@x.org"},
                     console.console()),
            0);
  EXPECT_EQ(console.store().get("https://index.docker.io/v1/")->secret.reveal(), "hunter2");
  EXPECT_THAT(target_file("web"), HasSubstr("email: me@x.org"));
  EXPECT_THAT(target_file("web"), testing::Not(HasSubstr("hunter2")));
}

TEST_F(Cli, AddKeepsAGivenLoginForTheRegistryOfTheTarget) {
  const std::vector<std::string> login = {"--docker-username", "me", "--docker-password-stdin"};
  const auto add = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"add", "web"});
    words.insert(words.end(), login.begin(), login.end());
    return words;
  };
  FakeConsole console("hunter2\n");
  EXPECT_EQ(cli::run(add({"--registry", "ghcr.io"}), console.console()), 0);
  EXPECT_EQ(console.store().get("ghcr.io")->secret.reveal(), "hunter2");
  EXPECT_FALSE(console.store().get("https://index.docker.io/v1/"));
  for (const std::vector<std::string>& unclear : {add({"--registry", "ghcr.io", "--registry", "quay.io"}),
                                                  add({"--registry", "ghcr.io", "--docker-server", "quay.io"})}) {
    FakeConsole refused("hunter2\n");
    EXPECT_EQ(cli::run(unclear, refused.console()), 2);
    EXPECT_THAT(refused.store().list(), IsEmpty());
  }
  FakeConsole part("hunter2\n");
  EXPECT_EQ(cli::run(add({"--registry", "ghcr.io/team", "--docker-server", "ghcr.io", "--replace"}), part.console()),
            0);
  EXPECT_TRUE(part.store().get("ghcr.io"));
}

TEST_F(Cli, AddWarnsOfAPasswordAmongTheArguments) {
  EXPECT_EQ(
      run({"add", "web", "--docker-server", "ghcr.io", "--docker-username", "me", "--docker-password", "hunter2"}), 0);
  EXPECT_THAT(console_.err(),
              HasSubstr("WARNING! Using --docker-password via the CLI is insecure. Use --docker-password-stdin."));
  EXPECT_THAT(console_.out() + console_.err(), testing::Not(HasSubstr("hunter2")));
}

TEST_F(Cli, AddKeepsNothingWhenAnythingIsWrong) {
  EXPECT_EQ(run({"add", "web", "--docker-username", "me", "--docker-password", "x", "--context", "prdo"}), 1);
  EXPECT_THAT(console_.err(), testing::ContainsRegex(
                                  "error: there is no context \"prdo\"; files read: .*\nhint: did you mean \"prod\""));
  EXPECT_THAT(console_.store().list(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets"));
}

TEST_F(Cli, AddTwiceIsNothingNewButNeverADifferentTarget) {
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io"}), 0);
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("unchanged"));
  EXPECT_EQ(run({"add", "web", "--registry", "quay.io"}), 1);
  EXPECT_THAT(target_file("web"), HasSubstr("ghcr.io"));
  EXPECT_EQ(run({"add", "web", "--registry", "quay.io", "--replace"}), 0);
  EXPECT_THAT(target_file("web"), HasSubstr("quay.io"));
}

TEST_F(Cli, AddWarnsOfNamesOfDockerHubThatKubeletDoesNotKnow) {
  EXPECT_EQ(run({"add", "web", "--registry", "work@registry-1.docker.io"}), 0);
  EXPECT_THAT(console_.err(),
              HasSubstr("warning: kubelet finds the login for images of docker.io, and not for those of "
                        "registry-1.docker.io: name them docker.io/NAME\n"));
}

TEST_F(Cli, AddDryRunOnlyPrints) {
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io", "--context", "p*", "-n", "a", "-n", "team-*", "--dry-run"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("registries: [ghcr.io]\ncontexts: [p*]\nnamespaces: [a, team-*]\n"));
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets"));
}

TEST_F(Cli, AddWaitWithoutADaemonSaysHowToStartIt) {
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io", "--wait"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("regsyncd is not running"));
  EXPECT_THAT(console_.err(), HasSubstr(how_to_start_regsyncd()));
}

TEST_F(Cli, AddWithALockedKeyringStillDeclares) {
  console_.store().problem = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io"}), 0);
  EXPECT_THAT(console_.err(), HasSubstr("the keyring is locked; unlock it"));
}

TEST_F(Cli, APreviewSaysWhoseLoginsItDoesNotKnow) {
  run({"add", "web", "--registry", "ghcr.io"});
  console_.store().problem = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  EXPECT_EQ(run({"set", "web", "namespaces=team-b", "--dry-run=server"}), 0);
  EXPECT_THAT(console_.err(), HasSubstr("  not known for the logins: the keyring is locked"));
}

TEST_F(Cli, ListIsATableNamesOrJson) {
  run({"add", "web", "--registry", "ghcr.io", "-n", "a", "--exclude-namespace", "kube-*"});
  FakeConsole table;
  EXPECT_EQ(cli::run({"list"}, table.console()), 0);
  EXPECT_EQ(table.out(),
            "NAME   SECRET   REGISTRIES   CONTEXTS   NAMESPACES\n"
            "web    web      ghcr.io      dev        a,!kube-*\n");
  FakeConsole structured;
  EXPECT_EQ(cli::run({"list", "-o", "json"}, structured.console()), 0);
  EXPECT_EQ(json::parse(structured.out())["items"][0]["registries"], json({"ghcr.io"}));
  FakeConsole names;
  EXPECT_EQ(cli::run({"list", "-o", "name"}, names.console()), 0);
  EXPECT_EQ(names.out(), "web\n");
}

TEST_F(Cli, ListNamesABadFileAndExits1) {
  home_.write("config/regsync/targets/bad.yaml", "registries: [ghcr.io\n");
  EXPECT_EQ(run({"list"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("bad.yaml"));
}

TEST_F(Cli, StatusTellsTheTruthByItsExitCode) {
  ControlPeer peer(answering(test::sample_report()), socket());
  EXPECT_EQ(run({"status"}), 1);
  EXPECT_THAT(console_.out(), StartsWith("TARGET   CONTEXT   READY   SINCE    STATUS\n"));
}

TEST_F(Cli, StatusAsksTheDaemonForWhatIsShown) {
  std::vector<json> asked;
  const auto answer = [&asked](ControlPeer::Connection& connection) {
    const json request = json::parse(connection.read_line());
    asked.push_back(request["params"]);
    const StatusReport report = selected(test::sample_report(), control::query_from_json(asked.back()));
    connection.write(control::make_response(request["id"], control::to_json(report)));
  };
  ControlPeer peer(answer, socket());
  EXPECT_EQ(run({"status", "web", "--context", "dev", "-n", "team-a"}), 0);
  EXPECT_EQ(asked.at(0), (json{{"targets", {"web"}}, {"contexts", {"dev"}}, {"namespaces", {"team-a"}}}));
  EXPECT_EQ(run({"status", "web", "--context", "dev"}), 1);
  EXPECT_EQ(asked.at(1), (json{{"targets", {"web"}}, {"contexts", {"dev"}}, {"summary", true}})) << "no rows are sent";
}

TEST_F(Cli, TheDashboardIsAPageAndNothingElse) {
  std::string url;
  const auto answer = [&url](ControlPeer::Connection& connection) {
    connection.write(control::make_response(json::parse(connection.read_line())["id"], {{"url", url}}));
  };
  ControlPeer peer(answer, socket());
  for (const char* const odd : {"file:///tmp/evil", ""}) {
    url = odd;
    EXPECT_EQ(run({"dashboard", "--print-url"}), 1);
    EXPECT_THAT(console_.out(), IsEmpty()) << odd;
  }
  url = "http://127.0.0.1:1/#token=x";
  EXPECT_EQ(run({"dashboard", "--print-url"}), 0) << console_.err();
  EXPECT_EQ(console_.out(), url + "\n");
}

TEST_F(Cli, KubectlsSpellingsWork) {
  run({"add", "web", "--registry", "ghcr.io"});
  const auto answer = [](const std::vector<std::string>& words) {
    FakeConsole console;
    EXPECT_EQ(cli::run(words, console.console()), 0) << console.err();
    return console.out();
  };
  for (const std::vector<std::string>& words : {std::vector<std::string>{"list", "-o=name"},
                                                {"get", "-oname"},
                                                {"ls", "--output=name"},
                                                {"-o", "name", "list"},
                                                {"--output", "name", "get", "web"},
                                                {"-o=name", "list"}}) {
    EXPECT_EQ(answer(words), "web\n") << words.front();
  }
  EXPECT_THAT(answer({"list", "--no-headers"}), StartsWith("web "));
  EXPECT_THAT(answer({}), HasSubstr("First steps:"));
  EXPECT_EQ(answer({"help", "add"}), answer({"add", "--help"}));
  EXPECT_THAT(answer({"--version"}), StartsWith("regsync "));
}

TEST_F(Cli, AFormatOfKubectlThatIsMissingIsAnsweredWithTheNearest) {
  const std::map<std::string, std::string> nearest{{"go-template={{.}}", "hint: use -o json"},
                                                   {"jsonpath-as-json={.items}", "hint: use -o json"},
                                                   {"custom-columns-file=x", "hint: use -o custom-columns="}};
  for (const auto& [format, hint] : nearest) {
    FakeConsole console;
    EXPECT_EQ(cli::run({"list", "-o", format}, console.console()), 2);
    EXPECT_THAT(console.err(), HasSubstr(hint)) << format;
  }
  EXPECT_EQ(run({"list", "-o", "jsn"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("error: unsupported format \"jsn\"\nhint: did you mean json?"));
}

TEST_F(Cli, APastedImageIsRefused) {
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io/acme/app:1"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("is an image, not a registry\nhint: write the registry that it is pulled from: "
                                        "ghcr.io"));
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets"));
}

TEST_F(Cli, ALoginOfTheHostServesAPathOfIt) {
  log_in("ghcr.io", "me");
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io/team"}), 0);
  EXPECT_THAT(console_.err(), testing::Not(HasSubstr("no login")));
  FakeConsole logins;
  logins.store().store({{"ghcr.io", "me"}, SecretString("hunter2")});
  EXPECT_EQ(cli::run({"logins", "-o", "json"}, logins.console()), 0);
  EXPECT_EQ(json::parse(logins.out())["items"][0]["targets"], json({"web"}));
}

TEST_F(Cli, AHelperOfDockersConfigGivesLoginsToo) {
  const auto helper =
      home_.write("bin/docker-credential-fake", "#!/bin/sh\necho '{\"Username\":\"AWS\",\"Secret\":\"canary\"}'\n");
  std::filesystem::permissions(helper, std::filesystem::perms(0755));
  ::setenv("PATH", ((home_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
  ::setenv("DOCKER_CONFIG", (home_ / "docker").c_str(), 1);
  home_.write("docker/config.json", R"({"credHelpers":{"1.dkr.ecr.eu-west-1.amazonaws.com":"fake"}})");
  EXPECT_EQ(run({"add", "web", "--registry", "1.dkr.ecr.eu-west-1.amazonaws.com"}), 0);
  EXPECT_THAT(console_.err(), testing::Not(HasSubstr("no login")));
  EXPECT_EQ(run({"logins"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("AWS        docker-credential-fake   web       yes"));
  EXPECT_EQ(run({"show", "web"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("username: AWS"));
  EXPECT_THAT(console_.out() + console_.err(), testing::Not(HasSubstr("canary")));
}

TEST_F(Cli, LoginsTellsOfThoseThatTheKeyringDoesNotShow) {
  log_in("ghcr.io", "me");
  console_.store().unreadable = 1;
  EXPECT_EQ(run({"logins"}), 1);
  EXPECT_THAT(console_.out(), HasSubstr("ghcr.io"));
  EXPECT_THAT(console_.err(), HasSubstr("lists a login that it does not show"));
  FakeConsole doctor;
  doctor.store().unreadable = 2;
  cli::run({"doctor"}, doctor.console());
  EXPECT_THAT(doctor.out(), HasSubstr("lists 2 logins that it does not show"));
}

TEST_F(Cli, AHelperThatGivesNoLoginIsARowAndTheExitCode) {
  const auto helper = home_.write("bin/docker-credential-fake", "#!/bin/sh\necho 'it is broken today'; exit 1\n");
  std::filesystem::permissions(helper, std::filesystem::perms(0755));
  ::setenv("PATH", ((home_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
  ::setenv("DOCKER_CONFIG", (home_ / "docker").c_str(), 1);
  home_.write("docker/config.json", R"({"credHelpers":{"ghcr.io":"fake"}})");
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io"}), 0);
  EXPECT_EQ(run({"logins"}), 1);
  EXPECT_THAT(console_.out(), HasSubstr("docker-credential-fake"));
  EXPECT_THAT(console_.out(), HasSubstr("it is broken today"));
}

// Which of several logins of a registry a target uses, as the engine chooses it.
TEST_F(Cli, LoginsNamesTheTargetsAtTheLoginThatTheyUse) {
  const auto targets = [&](const std::string& source) {
    FakeConsole console;
    console.store().store({{"ghcr.io", "alice"}, SecretString("canary")});
    EXPECT_EQ(cli::run({"logins", "-o", "json"}, console.console()), 0) << console.err();
    json used;
    const json listed = json::parse(console.out());
    for (const json& row : listed.at("items")) {
      if (row.at("source").get<std::string>().ends_with(source)) {
        used.push_back(row.at("targets"));
      }
    }
    return used;
  };
  run({"add", "web", "--registry", "ghcr.io"});
  EXPECT_EQ(targets("keyring"), json({{"web"}}));

  home_.write("logins.json", R"({"auths":{"ghcr.io":{"auth":"Ym9iOmNhbmFyeQ=="}}})");
  home_.write("config/regsync/config.yaml", "loginFiles: ['" + (home_ / "logins.json").string() + "']\n");
  EXPECT_EQ(targets("logins.json"), json({{"web"}}));
  EXPECT_EQ(targets("keyring"), json::parse("[[]]"));

  const auto helper =
      home_.write("bin/docker-credential-corp", "#!/bin/sh\necho '{\"Username\":\"corp\",\"Secret\":\"canary\"}'\n");
  std::filesystem::permissions(helper, std::filesystem::perms(0755));
  ::setenv("PATH", ((home_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
  ::setenv("DOCKER_CONFIG", (home_ / "docker").c_str(), 1);
  home_.write("docker/config.json", R"({"credHelpers":{"ghcr.io":"corp"}})");
  EXPECT_EQ(targets("docker-credential-corp"), json({{"web"}}));
  EXPECT_EQ(targets("logins.json"), json::parse("[[]]"));
  EXPECT_EQ(targets("keyring"), json::parse("[[]]"));
}

TEST_F(Cli, WhereAFileOrAnotherHelperHasTheLoginThatOfTheKeyringIsSaidToChangeNothing) {
  log_in("ghcr.io", "me");
  console_.replaced().store({{"ghcr.io", "before"}, SecretString("old")});
  const auto expect_told = [this](const std::string& source) {
    const std::string said = "targets take the login for ghcr.io from " + source + ", not from the keyring";
    EXPECT_EQ(run({"rollback", "ghcr.io"}), 1);
    EXPECT_THAT(console_.err(), HasSubstr(said + "; nothing was changed"));
    EXPECT_EQ(console_.store().get("ghcr.io")->login.username, "me");
    for (const char* command : {"login", "logout"}) {
      FakeConsole console("canary");
      console.store().store({{"ghcr.io", "me"}, SecretString("canary")});
      std::vector<std::string> words{command, "ghcr.io"};
      if (words.front() == "login") {
        words.insert(words.end(), {"--no-verify", "--username", "me", "--password-stdin"});
      }
      EXPECT_EQ(cli::run(words, console.console()), 0) << console.err();
      EXPECT_THAT(console.err(), HasSubstr("note: " + said + '\n')) << command;
    }
  };
  const std::string file = (home_ / "logins.json").string();
  home_.write("logins.json", R"({"auths":{"ghcr.io":{"auth":"Ym9iOmNhbmFyeQ=="}}})");
  home_.write("config/regsync/config.yaml", "loginFiles: ['" + file + "']\n");
  expect_told(file);
  EXPECT_THAT(console_.err(), HasSubstr("podman login --authfile " + file + " ghcr.io"));
  home_.write("config/regsync/config.yaml", "credHelpers: {ghcr.io: corp}\n");
  expect_told("docker-credential-corp");
}

TEST_F(Cli, ALoginFileThatCannotBeReadIsToldWithTheLoginsThatCan) {
  log_in("ghcr.io", "me");
  home_.write("config/regsync/config.yaml", "loginFiles: ['" + (home_ / "gone.json").string() + "']\n");
  EXPECT_EQ(run({"logins"}), 1);
  EXPECT_THAT(console_.out(), HasSubstr("ghcr.io    me         keyring"));
  EXPECT_THAT(console_.err(), HasSubstr("there is no login file " + (home_ / "gone.json").string()));
  FakeConsole json_console;
  EXPECT_EQ(cli::run({"logins", "-o", "json"}, json_console.console()), 1);
  EXPECT_EQ(json::parse(json_console.out()).at("items").size(), 0U);
}

TEST_F(Cli, WithLoginFilesALockedKeyringHidesOnlyItsOwnLogins) {
  home_.write("logins.json", R"({"auths":{"ghcr.io":{"auth":"Ym9iOmNhbmFyeQ=="}}})");
  home_.write("config/regsync/config.yaml", "loginFiles: ['" + (home_ / "logins.json").string() + "']\n");
  console_.console().open_store = [](Prompt) { return std::make_unique<LockedStore>(); };
  EXPECT_EQ(run({"logins"}), 1);
  EXPECT_THAT(console_.out(), HasSubstr("ghcr.io    bob "));
  EXPECT_THAT(console_.err(), HasSubstr("the keyring is locked"));
}

// KeePassXC asks before it gives each of them.
TEST_F(Cli, ALoginThatThePersonDoesNotAllowIsOnlyItsOwnProblem) {
  log_in("ghcr.io", "me");
  log_in("quay.io", "you");
  console_.console().open_store = [this](Prompt) {
    return std::make_unique<test::AskingStore>(console_.store(), "ghcr.io");
  };
  EXPECT_EQ(run({"logins"}), 0);
  EXPECT_THAT(console_.out(), testing::ContainsRegex("ghcr.io +me +keyring +<none> +no"));
  EXPECT_THAT(console_.out(), testing::ContainsRegex("quay.io +you +keyring +<none> +yes"));
  EXPECT_THAT(console_.out(), HasSubstr("\nKeePassXC asks before it gives the login of ghcr.io\n  -> allow it\n"));
}

TEST_F(Cli, DoctorAdvisesToMoveNoLoginForWhichTheFileWasChosen) {
  ::setenv("DOCKER_CONFIG", (home_ / "docker").c_str(), 1);
  const auto said = [this](const std::string& helpers) {
    home_.write("docker/config.json",
                R"({"auths":{"https://ghcr.io":{"auth":"Ym9iOmNhbmFyeQ=="}},"credHelpers":)" + helpers + "}");
    FakeConsole console;
    cli::run({"doctor"}, console.console());
    return console.out();
  };
  EXPECT_THAT(said("{}"), HasSubstr("holds 1 login in plain text"));
  EXPECT_THAT(said(R"({"ghcr.io":""})"), testing::Not(HasSubstr("1 login in plain text")));
}

TEST_F(Cli, DoctorReadsTheLoginFiles) {
  const auto finding = [&](const std::string& subject) {
    FakeConsole console;
    console.console().open_store = [](Prompt) -> std::unique_ptr<CredentialStore> {
      throw Error(ErrorCode::store_unavailable, "there is no keyring");
    };
    cli::run({"doctor", "-o", "json"}, console.console());
    json found;
    const json all = json::parse(console.out());
    for (const json& item : all.at("items")) {
      if (item.at("subject") == subject) {
        found.push_back(item.at("verdict").get<std::string>() + ": " + item.at("text").get<std::string>());
      }
    }
    return found;
  };
  EXPECT_EQ(finding("login files"), json());
  const std::string file = (home_ / "logins.json").string();
  home_.write("config/regsync/config.yaml", "verifyLogins: false\nloginFiles: ['" + file + "']\n");
  home_.write("config/regsync/targets/web.yaml", "registries: [127.0.0.1:1, quay.io]\ncontexts: [nowhere]\n");
  EXPECT_EQ(finding("login files"), json({"failed: there is no login file " + file}));
  EXPECT_EQ(finding("keyring"), json({"failed: there is no keyring"}));

  home_.write("logins.json", R"({"auths":{"127.0.0.1:1":{"auth":"Ym9iOmNhbmFyeQ=="}}})");
  EXPECT_EQ(finding("login files"), json({"ok: 1 login in " + file}));
  const json login = finding("login 127.0.0.1:1");
  ASSERT_EQ(login.size(), 1U) << "the logins of files are checked without a keyring";
  EXPECT_THAT(login[0].get<std::string>(), HasSubstr("warning: not known whether it is still good"));
  EXPECT_EQ(finding("login quay.io"), json()) << "why it is not known is told of the keyring";
}

TEST_F(Cli, DescribeGoesOnBehindATargetThatCannotBeRead) {
  run({"add", "web", "--registry", "ghcr.io"});
  home_.write("config/regsync/targets/a.yaml", "registries: [ghcr.io\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"describe"}, {"describe", "a", "web"}, {"describe", "nope", "web"}}) {
    FakeConsole console;
    EXPECT_EQ(cli::run(words, console.console()), 1);
    EXPECT_THAT(console.out(), testing::StartsWith("Name:             web\n"));
    EXPECT_THAT(console.err(),
                HasSubstr(words.back() == "describe" || words[1] == "a" ? "a.yaml" : "\"nope\" not found"));
  }
}

// {"exp":1893456000}: 2030-01-01.
TEST_F(Cli, DescribeShowsWhenATokenEndsAsLoginsDoes) {
  const std::string token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE4OTM0NjAwMDB9.";
  console_.store().store({{"ghcr.io", "me"}, SecretString(token)});
  run({"add", "web", "--registry", "ghcr.io/team"});
  EXPECT_EQ(run({"logins", "-o", "wide"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("2030-01-01T01:06:40Z"));
  FakeConsole console;
  console.store().store({{"ghcr.io", "me"}, SecretString(token)});
  EXPECT_EQ(cli::run({"describe", "web"}, console.console()), 0);
  EXPECT_THAT(console.out(), HasSubstr("ghcr.io/team   me         2030-01-01T01:06:40Z   usable"));
}

TEST_F(Cli, ExplainWithoutACurrentContextAsksForOne) {
  std::string without = kubeconfig;
  without.erase(without.find("current-context"),
                without.find('\n', without.find("current-context")) + 1 - without.find("current-context"));
  home_.write("kubeconfig", without);
  EXPECT_EQ(run({"explain"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("error: the kubeconfig has no current context\nhint: choose one: --context "));
}

TEST_F(Cli, ACurrentContextThatDoesNotExistIsNotTaken) {
  std::string text = kubeconfig;
  const auto begin = text.find("current-context");
  text.replace(begin, text.find('\n', begin) - begin, "current-context: gone");
  home_.write("kubeconfig", text);
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io", "-n", "a"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("error: the kubeconfig has no context \"gone\", its current one\nhint: "));
}

TEST_F(Cli, RemoveAsksAPersonAtATerminal) {
  run({"add", "web", "--registry", "ghcr.io"});
  FakeConsole no("n\n");
  no.be_terminal();
  EXPECT_EQ(cli::run({"remove", "web"}, no.console()), 1);
  EXPECT_THAT(no.err(), HasSubstr("Remove it? [y/N]"));
  EXPECT_THAT(no.err(), HasSubstr("target \"web\" was not removed"));
  EXPECT_THAT(target_file("web"), HasSubstr("ghcr.io"));
  EXPECT_EQ(run({"remove", "web", "--dry-run"}), 0);
  EXPECT_EQ(run({"remove", "web", "--dry-run=server"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("not known for context dev"));
  EXPECT_EQ(run({"remove", "web", "--dry-run=maybe"}), 2);
  EXPECT_THAT(target_file("web"), HasSubstr("ghcr.io"));
}

TEST_F(Cli, AddAsksBeforeItTakesTheLoginOfAnotherUser) {
  FakeConsole no("secret\nn\n");
  no.be_terminal();
  no.store().store({{"https://index.docker.io/v1/", "alice"}, SecretString("x")});
  EXPECT_EQ(cli::run({"add", "web", "--docker-username", "bob"}, no.console()), 1);
  EXPECT_THAT(no.err(), HasSubstr("replacing the login of alice at https://index.docker.io/v1/ by that of bob"));
  EXPECT_EQ(no.store().get("docker.io")->login.username, "alice");
}

TEST_F(Cli, WhatGetPrintsIsWhatApplyReads) {
  run({"add", "web", "--registry", "ghcr.io", "-n", "a"});
  run({"add", "api", "--registry", "quay.io", "--namespace-selector", "env in (prod)"});
  FakeConsole get;
  EXPECT_EQ(cli::run({"get", "-o", "yaml"}, get.console()), 0);
  const std::string web = target_file("web");
  const std::string api = target_file("api");
  std::filesystem::remove_all(home_ / "config/regsync/targets");
  FakeConsole apply(get.out());
  EXPECT_EQ(cli::run({"apply", "-f", "-"}, apply.console()), 0) << apply.err();
  EXPECT_EQ(apply.out(), "target \"api\" added\ntarget \"web\" added\n");
  EXPECT_EQ(target_file("web"), web);
  EXPECT_EQ(target_file("api"), api);
}

// "n" is false for a YAML 1.1 reader, and 012 a number: what took them for that would delete their Secrets.
TEST_F(Cli, ANamespaceThatYamlTakesForSomethingElseKeepsItsName) {
  const std::vector<std::string> names{"n", "y", "on", "off", "012", "0x1", "1e3", "true", "null"};
  std::vector<std::string> arguments{"add", "web", "--registry", "ghcr.io", "--context", "dev"};
  for (const std::string& name : names) {
    arguments.insert(arguments.end(), {"-n", name});
  }
  FakeConsole add;
  ASSERT_EQ(cli::run(arguments, add.console()), 0) << add.err();
  const auto kept = [&] { return parse_target("web", target_file("web"), "web.yaml").namespaces; };
  EXPECT_EQ(kept(), names);
  EXPECT_EQ(run({"set", "web", "onLogout=remove"}), 0);
  EXPECT_EQ(kept(), names);
  FakeConsole get;
  EXPECT_EQ(cli::run({"get", "-o", "json"}, get.console()), 0);
  EXPECT_EQ(nlohmann::json::parse(get.out()).at("items").at(0).at("namespaces"), nlohmann::json(names));
  FakeConsole apply("name: web\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [n, 012]\npin: true\n");
  EXPECT_EQ(cli::run({"apply", "-f", "-"}, apply.console()), 0) << apply.err();
  EXPECT_EQ(kept(), (std::vector<std::string>{"n", "012"}));
}

TEST_F(Cli, ApplyReadsAFolderAndWritesNothingWhenOneFileIsWrong) {
  home_.write("git/web.yaml", "registries: [ghcr.io]\ncontexts: [dev]\n");
  home_.write("git/bad.yaml", "registries: [ghcr.io]\n");
  EXPECT_EQ(run({"apply", "-f", (home_ / "git").string()}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("bad.yaml"));
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets"));
  std::filesystem::remove(home_ / "git/bad.yaml");
  EXPECT_EQ(run({"apply", "-f", (home_ / "git").string(), "--dry-run"}), 0);
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets"));
  EXPECT_EQ(run({"apply", "-f", (home_ / "git").string()}), 0);
  EXPECT_THAT(target_file("web"), HasSubstr("registries: [ghcr.io]"));
}

TEST_F(Cli, ASyncOnAThrowawayMachineAsksForAnOwner) {
  ::unsetenv("REGSYNC_OWNER");
  ::setenv("CI", "true", 1);
  run({"add", "web", "--registry", "ghcr.io"});
  FakeConsole named;
  cli::run({"sync", "--once", "--owner", "team", "--timeout", "1s"}, named.console());
  EXPECT_THAT(named.err(), testing::Not(HasSubstr("no owner is set")));
  FakeConsole unnamed;
  cli::run({"sync", "--once", "--timeout", "1s"}, unnamed.console());
  EXPECT_THAT(unnamed.err(), HasSubstr("name one: regsync sync --once --owner NAME"));
}

TEST_F(Cli, ApplyReadsEveryDocumentOfAStream) {
  FakeConsole apply(
      "---\nname: web\nregistries: [ghcr.io]\ncontexts: [dev]\n---\n# none\n---\nname: api\n"
      "registries: [ghcr.io]\ncontexts: [dev]\n");
  EXPECT_EQ(cli::run({"apply", "-f", "-"}, apply.console()), 0) << apply.err();
  EXPECT_THAT(target_file("web"), HasSubstr("ghcr.io"));
  EXPECT_THAT(target_file("api"), HasSubstr("ghcr.io"));
  FakeConsole twice(
      "name: web\nregistries: [quay.io]\ncontexts: [dev]\n---\nname: web\nregistries: [ghcr.io]\n"
      "contexts: [dev]\n");
  EXPECT_EQ(cli::run({"apply", "-f", "-"}, twice.console()), 1);
  EXPECT_THAT(twice.err(), HasSubstr("target \"web\" is there twice"));
}

// As a formatter of YAML may write it.
TEST_F(Cli, ApplyReadsADocumentThatBeginsOnTheLineOfItsDashes) {
  FakeConsole apply(
      "--- {name: web, registries: [ghcr.io], contexts: [dev]}\n--- # api\nname: api\nregistries: [quay.io]\n"
      "contexts: [dev]\n");
  EXPECT_EQ(cli::run({"apply", "-f", "-"}, apply.console()), 0) << apply.err();
  EXPECT_EQ(apply.out(), "target \"web\" added\ntarget \"api\" added\n");
  EXPECT_THAT(target_file("web"), HasSubstr("ghcr.io"));
}

TEST_F(Cli, AFileThatIsAppliedKeepsItsComments) {
  const std::string text = "# web\nregistries: [ghcr.io]  # ours\ncontexts:\n  # mine\n  - dev\n";
  const std::string web = home_.write("git/web.yaml", text).string();
  EXPECT_EQ(run({"apply", "-f", web}), 0);
  EXPECT_EQ(target_file("web"), text);
  home_.write("git/web.yaml", "apiVersion: regsync.dev/v1\nkind: Target\nname: api\n" + text);
  EXPECT_EQ(run({"apply", "-f", web}), 0);
  EXPECT_EQ(target_file("api"), text) << "what names it is not in its file";
  home_.write("git/web.yaml", "# b\n---\n" + text + "pin: true\n");
  EXPECT_EQ(run({"apply", "-f", web, "--dry-run"}), 0);
  EXPECT_EQ(target_file("web"), text);
  EXPECT_EQ(run({"apply", "-f", web}), 0);
  EXPECT_EQ(target_file("web"), "# b\n---\n" + text + "pin: true\n");
}

// Merge keys, as some write them in git, are none in a target's file.
TEST_F(Cli, WhatCouldNotBeATargetsFileIsAppliedAsTheTargetThatItIs) {
  const std::string web =
      home_.write("git/web.yaml", "<<: {registries: [ghcr.io], contexts: [dev]}\npin: true\n").string();
  EXPECT_EQ(run({"apply", "-f", web}), 0);
  EXPECT_TRUE(parse_target("web", target_file("web"), "web.yaml").pin);
}

TEST_F(Cli, NoCommandTakesAPathForATarget) {
  run({"add", "web", "--registry", "ghcr.io"});
  home_.write("config/regsync/config.yaml", "concurrency: 4\n");
  ::unsetenv("VISUAL");
  ::setenv("EDITOR", "sed -i 1d", 1);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"edit", "../config"}, {"remove", "../config", "--dry-run"}, {"remove", "../config", "--yes"}}) {
    FakeConsole console;
    EXPECT_EQ(cli::run(command, console.console()), 1) << command.front();
    EXPECT_THAT(console.err(), HasSubstr("target \"../config\" not found")) << command.front();
  }
  EXPECT_TRUE(std::filesystem::exists(home_ / "config/regsync/config.yaml"));
}

// Neither --yes nor a dry run makes that otherwise.
TEST_F(Cli, AChangeThatWouldLoseCommentsLeavesTheFileAlone) {
  const std::string text = "{registries: [ghcr.io], contexts: [dev]}  # why\n";
  home_.write("config/regsync/targets/web.yaml", text);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"set", "web", "pin=true", "--yes"}, {"pause", "web"}, {"rename", "web", "api", "--yes"}}) {
    FakeConsole console;
    EXPECT_EQ(cli::run(command, console.console()), 1) << command.front();
    EXPECT_THAT(console.err(), HasSubstr("comments or anchors that this change would lose")) << command.front();
    EXPECT_THAT(console.err(), HasSubstr(": regsync edit web\n")) << command.front();
    EXPECT_EQ(target_file("web"), text) << command.front();
  }
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets/api.yaml"));
}

TEST_F(Cli, ApplyWaitsForNoOtherProgram) {
  const std::string fifo = (home_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(run({"apply", "-f", fifo}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("is not a regular file"));
}

TEST_F(Cli, AnEditKeepsTheCommentsOfTheFile) {
  run({"add", "web", "--registry", "ghcr.io"});
  ::unsetenv("VISUAL");
  ::setenv("EDITOR", "sed -i '1i # of team a'", 1);
  EXPECT_EQ(run({"edit", "web"}), 0);
  EXPECT_THAT(target_file("web"), testing::StartsWith("# of team a\n"));
  ::setenv("EDITOR", "sed -i s/ghcr.io/quay.io/", 1);
  EXPECT_EQ(run({"edit", "web"}), 0);
  EXPECT_THAT(target_file("web"), testing::StartsWith("# of team a\n"));
  EXPECT_EQ(run({"set", "web", "pin=true"}), 0);
  EXPECT_THAT(target_file("web"), testing::StartsWith("# of team a\n"));
  EXPECT_THAT(target_file("web"), HasSubstr("pin: true\n"));
}

TEST_F(Cli, EditSavesOnlyWhatCanBeUsed) {
  run({"add", "web", "--registry", "ghcr.io"});
  const std::string before = target_file("web");
  ::unsetenv("VISUAL");
  ::setenv("EDITOR", "true", 1);
  EXPECT_EQ(run({"edit", "web"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("target \"web\" unchanged"));
  ::setenv("EDITOR", "sed -i s/ghcr.io/ghcr.io:x/", 1);
  EXPECT_EQ(run({"edit", "web"}), 1);
  EXPECT_EQ(target_file("web"), before);
  ::setenv("EDITOR", "false", 1);
  EXPECT_EQ(run({"edit", "web"}), 1);
  EXPECT_EQ(target_file("web"), before);
  ::setenv("EDITOR", "sed -i s/ghcr.io/quay.io/", 1);
  EXPECT_EQ(run({"edit", "web"}), 0);
  EXPECT_THAT(target_file("web"), HasSubstr("registries: [quay.io]"));
  EXPECT_EQ(run({"edit", "wbe"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("did you mean \"web\"?"));
}

// vim's :cq, or an editor that a signal ends.
TEST_F(Cli, WhatWasWrittenInAnEditorThatFailsIsKeptAndNamed) {
  run({"add", "web", "--registry", "ghcr.io"});
  const std::string before = target_file("web");
  const std::string folder = home_.path().string();
  ::unsetenv("VISUAL");
  ::setenv("TMPDIR", folder.c_str(), 1);
  const std::regex kept(R"(regsync apply -f (\S+/web\.yaml)\n)");
  for (const char* editor : {"f() { echo '# mine' >>$1; exit 1; }; f", "f() { head -c 2000000 /dev/zero >$1; }; f"}) {
    ::setenv("EDITOR", editor, 1);
    FakeConsole console;
    EXPECT_EQ(cli::run({"edit", "web"}, console.console()), 1) << editor;
    const std::string err = console.err();
    std::smatch named;
    ASSERT_TRUE(std::regex_search(err, named, kept)) << err;
    EXPECT_NE(test::read_file(named[1].str()), before) << editor;
    EXPECT_EQ(target_file("web"), before);
  }
  ::setenv("EDITOR", "false", 1);
  FakeConsole console;
  EXPECT_EQ(cli::run({"edit", "web"}, console.console()), 1);
  EXPECT_THAT(console.err(), testing::Not(HasSubstr("is kept"))) << "there is nothing to keep";
  ::unsetenv("TMPDIR");
}

TEST_F(Cli, ATargetThatIsALinkToNothingCanBeRemoved) {
  home_.write("config/regsync/targets/other.yaml", "registries: [ghcr.io]\ncontexts: [dev]\n");
  std::filesystem::create_symlink("/nonexistent/web.yaml", home_ / "config/regsync/targets/web.yaml");
  EXPECT_EQ(run({"list"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("is a link to /nonexistent/web.yaml, which does not exist\n"
                                        "hint: put that back, or: regsync remove web\n"));
  EXPECT_EQ(run({"remove", "web"}), 0) << console_.err();
  EXPECT_FALSE(std::filesystem::is_symlink(home_ / "config/regsync/targets/web.yaml"));
}

// Of an editor, and of other tools.
TEST_F(Cli, ApplyLeavesTheHiddenFilesOfAFolderAlone) {
  home_.write("git/web.yaml", "registries: [ghcr.io]\ncontexts: [dev]\n");
  home_.write("git/.pre-commit-config.yaml", "repos: []\n");
  std::filesystem::create_symlink("me@host.1:2", home_ / "git/.#web.yaml");
  EXPECT_EQ(run({"apply", "-f", (home_ / "git").string()}), 0) << console_.err();
  EXPECT_THAT(target_file("web"), HasSubstr("ghcr.io"));
}

TEST_F(Cli, TheVersionOfANewerDaemonIsReadWhateverElseItSays) {
  ControlPeer peer(
      [](ControlPeer::Connection& connection) {
        const json request = json::parse(connection.read_line());
        connection.write(control::make_response(request["id"], {{"version", "9.0.0"}, {"rows", "another form"}}));
      },
      socket());
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("regsyncd 9.0.0\n"));
}

TEST_F(Cli, LoginsNeverShowASecretAndSayWhatCannotPull) {
  log_in("ghcr.io", "me");
  log_in("quay.io", "<token>");
  run({"add", "web", "--registry", "ghcr.io"});
  FakeConsole::noon();
  EXPECT_EQ(run({"logins"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("REGISTRY   USERNAME   SOURCE    TARGETS   CAN PULL\n"
                                        "ghcr.io    me         keyring   web       yes\n"
                                        "quay.io    <token>    keyring   <none>    no\n"));
  EXPECT_THAT(console_.out(), testing::Not(HasSubstr("hunter2")));
}

TEST_F(Cli, ShowMasksUnlessAskedToReveal) {
  log_in("ghcr.io", "me");
  run({"add", "web", "--registry", "ghcr.io"});
  FakeConsole masked;
  masked.store().store({{"ghcr.io", "me"}, SecretString("hunter2")});
  EXPECT_EQ(cli::run({"show", "web"}, masked.console()), 0);
  EXPECT_THAT(masked.out(), HasSubstr("username: me"));
  EXPECT_THAT(masked.out(), HasSubstr("password: \"***\""));
  EXPECT_EQ(run({"show", "web", "--reveal", "-o", "json"}), 0);
}

TEST_F(Cli, CompletionOffersTheWordsOfAValueThatMayBeLeftOut) {
  EXPECT_EQ(run({"__complete", "--", "sync", "--dry-run="}), 0);
  EXPECT_EQ(console_.out(), "--dry-run=client\n--dry-run=server\n:4\n");
}

TEST_F(Cli, CompletionKnowsCommandsContextsTargetsAndRegistries) {
  log_in("ghcr.io", "me");
  run({"add", "web", "--registry", "ghcr.io"});
  const auto candidates = [&](std::vector<std::string> words) {
    FakeConsole console;
    console.store().store({{"ghcr.io", "me"}, SecretString("x")});
    words.insert(words.begin(), {"__complete", "--"});
    EXPECT_EQ(cli::run(words, console.console()), 0);
    return console.out();
  };
  EXPECT_THAT(candidates({"sta"}), StartsWith("status\t"));
  EXPECT_EQ(candidates({"add", "x", "--context", ""}), "dev\nprod\n:4\n");
  EXPECT_EQ(candidates({"add", "x", "--context=p"}), "--context=prod\n:4\n");
  EXPECT_EQ(candidates({"status", ""}), "web\n:4\n");
  EXPECT_EQ(candidates({"--kubeconfig", (home_ / "kubeconfig").string(), "edit", ""}), "web\n:4\n");
  EXPECT_EQ(candidates({"add", ""}), ":4\n");  // a new target's name is the person's to choose
  EXPECT_EQ(candidates({"add", "x", "--registry", ""}), "ghcr.io\tme\n:4\n");
  EXPECT_EQ(candidates({"list", "-o", "j"}), "json\njsonpath=\n:4\n");
  EXPECT_EQ(candidates({"diff", "--kubeconfig", ""}), ":0\n");
  EXPECT_EQ(candidates({"sync", "--logins", ""}), ":0\n");
  Footprint footprint;
  for (const char* context : {"dev", "kind-gone"}) {
    footprint.contexts[context].secrets["web"].namespaces = {"default"};
  }
  FootprintStore(paths::footprints()).set("web", footprint);
  EXPECT_EQ(candidates({"forget-context", ""}), "kind-gone\n:4\n");
}

// Of a target that is paused nothing is deleted, and one that keeps another login keeps its Secrets.
TEST_F(Cli, ALogoutAnnouncesTheTargetsThatItEmpties) {
  log_in("ghcr.io", "me");
  log_in("quay.io", "me");
  run({"add", "web", "--registry", "ghcr.io", "--on-logout", "remove"});
  run({"add", "api", "--registry", "ghcr.io", "--on-logout", "remove"});
  run({"add", "both", "--registry", "ghcr.io", "--registry", "quay.io", "--on-logout", "remove"});
  run({"add", "still", "--registry", "ghcr.io", "--on-logout", "remove"});
  run({"pause", "still"});
  FakeConsole console;
  console.store().store({{"ghcr.io", "me"}, SecretString("x")});
  console.store().store({{"quay.io", "me"}, SecretString("x")});
  int opened = 0;
  console.console().open_store = [&, open = console.console().open_store](Prompt prompt) {
    ++opened;
    return open(prompt);
  };
  EXPECT_EQ(cli::run({"logout", "ghcr.io", "--dry-run"}, console.console()), 0);
  EXPECT_EQ(console.err(),
            "target \"api\" removes its Secrets after the logout (onLogout: remove)\n"
            "target \"web\" removes its Secrets after the logout (onLogout: remove)\n");
  EXPECT_EQ(opened, 2) << "to look for the login, and to read those of the targets once";
}

TEST_F(Cli, ADryRunOfForgetAndTrustAnswersAsTheCommandDoes) {
  Footprint footprint;
  for (const char* context : {"dev", "kind-gone"}) {
    footprint.contexts[context].secrets["web"].namespaces = {"default"};
  }
  FootprintStore(paths::footprints()).set("web", footprint);
  home_.write("state/regsync/contexts.json", R"({"contexts":{"prod":{"server":"https://127.0.0.1:1"}}})");
  const auto answer = [](const std::vector<std::string>& words) {
    FakeConsole console;
    const int exit_code = cli::run(words, console.console());
    return std::to_string(exit_code) + ' ' + console.err();
  };
  const auto expect_same = [&](const char* command, const char* context, const std::string& expected) {
    EXPECT_THAT(answer({command, context, "--dry-run"}), StartsWith(expected)) << context;
    EXPECT_EQ(answer({command, context, "--dry-run"}), answer({command, context})) << context;
  };
  expect_same("forget-context", "dev", "1 error: context dev is in the kubeconfig\n");
  expect_same("forget-context", "kind-gnoe",
              "1 error: no target has anything in a context \"kind-gnoe\" that is gone\nhint: did you mean "
              "\"kind-gone\"?\n");
  expect_same("forget-context", "k*", "0 ");
  FootprintStore(paths::footprints()).set("web", footprint);
  expect_same("forget-context", "x*", "1 error: no target has anything in a context that is gone and matches \"x*\"\n");
  expect_same("forget-context", "kind-gone", "0 ");
  expect_same("trust-context", "prdo", "1 error: no target uses a context \"prdo\"\nhint: did you mean \"prod\"?\n");
  expect_same("trust-context", "prod", "0 ");
  home_.write("kubeconfig", "[");
  expect_same("trust-context", "prod", "1 ");
  expect_same("forget-context", "kind-gone", "1 ");
}

TEST_F(Cli, ContextsThatMatchAreForgottenAfterThePersonHasSeenThem) {
  Footprint footprint;
  for (const char* context : {"dev", "kind-a", "kind-b", "other"}) {
    footprint.contexts[context].secrets["web"].namespaces = {"default"};
  }
  FootprintStore(paths::footprints()).set("web", footprint);
  const auto left = [] {
    const FootprintStore store(paths::footprints());
    std::vector<std::string> names;
    for (const auto& [context, places] : store.find("web")->contexts) {
      names.push_back(context);
    }
    return names;
  };
  FakeConsole doubtful("n\n");
  doubtful.be_terminal();
  EXPECT_EQ(cli::run({"forget-context", "kind-*"}, doubtful.console()), 1);
  EXPECT_THAT(doubtful.err(), HasSubstr("context \"kind-a\" is forgotten"));
  EXPECT_THAT(left(), testing::ElementsAre("dev", "kind-a", "kind-b", "other"));
  FakeConsole sure;
  sure.be_terminal();
  EXPECT_EQ(cli::run({"forget-context", "kind-*", "--yes"}, sure.console()), 0) << sure.err();
  EXPECT_THAT(sure.out(), HasSubstr("context \"kind-b\" forgotten"));
  EXPECT_THAT(left(), testing::ElementsAre("dev", "other"));
}

TEST_F(Cli, StatusFailsWhereRegsyncdHasAProblemOfItsOwn) {
  StatusReport report = test::sample_report();
  report.rows.resize(1);
  report.targets.erase(report.targets.begin());
  report.contexts.resize(1);
  {
    ControlPeer peer(answering(report), socket());
    EXPECT_EQ(run({"status"}), 0) << console_.out();
  }
  std::filesystem::remove(socket());
  report.problems.emplace_back(ErrorCode::invalid_input, "config.yaml:3: unknown key \"ownr\"", "did you mean owner?");
  ControlPeer peer(answering(report), socket());
  EXPECT_EQ(run({"status"}), 1);
  EXPECT_THAT(console_.out(), HasSubstr("config.yaml:3: unknown key"));
}

TEST_F(Cli, NotesOfARemovalAreFolded) {
  run({"add", "web", "--registry", "ghcr.io"});
  StatusReport report;
  report.notes.emplace_back(ErrorCode::not_owned, "Secret team-b/web in context dev stays, with the password in it",
                            "");
  ControlPeer peer(answering(report), socket());
  set_columns(console_.console().out, 40);
  EXPECT_EQ(run({"remove", "web"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("note: Secret team-b/web in context dev\n  stays, with the password in it\n"));
}

TEST_F(Cli, WithoutAUserManagerNobodyIsSentToSystemctl) {
  EXPECT_EQ(run({"restart"}), 2);
  EXPECT_EQ(run({"start"}), 2);
  EXPECT_EQ(run({"stop"}), 2);
  EXPECT_EQ(run({"setup", "--environment", "PATH"}), 0);
  EXPECT_THAT(console_.err() + console_.out(), testing::Not(HasSubstr("systemctl")));
  EXPECT_THAT(console_.err(), HasSubstr("hint: start regsyncd: regsyncd &; see: regsync --help"));
}

TEST_F(Cli, ADryRunRefusesTheNamesOfVariablesThatTheRealRunRefuses) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"setup", "--environment", "A B, PATH"},
                                                {"setup", "--environment", "A B, PATH", "--dry-run"}}) {
    FakeConsole console;
    EXPECT_EQ(cli::run(words, console.console()), 1);
    EXPECT_THAT(console.err(), HasSubstr("\"A B\" is not the name of an environment variable"));
  }
  EXPECT_EQ(run({"setup", "--environment", "NOSUCH , PATH"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("PATH is set in "));
}

// The user manager may know another value, which taking the line out would bring back.
TEST_F(Cli, AVariableThatIsNotSetHereIsEmptyForTheServiceWhereThatMeansTheSame) {
  ::unsetenv("HTTPS_PROXY");
  ::unsetenv("AWS_PROFILE");
  EXPECT_EQ(run({"setup", "--environment", "HTTPS_PROXY,AWS_PROFILE"}), 0);
  EXPECT_EQ(test::read_file(home_ / "config/regsync/environment"), "HTTPS_PROXY=\"\"\n");
  EXPECT_THAT(console_.out(), HasSubstr("HTTPS_PROXY is not set here, and is set to nothing in "));
  EXPECT_THAT(console_.out(), HasSubstr("AWS_PROFILE is not set here, and is taken out of "));
}

TEST_F(Cli, WhatTheServiceIsGivenHasNothingToDoWithDockersFile) {
  EXPECT_EQ(run({"setup", "--environment", "PATH", "--docker-config", "config.json"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("--docker-config"));
}

// The help names the folder as the default.
TEST_F(Cli, TheFolderOfDockersFileMeansTheFileInIt) {
  home_.write("bin/docker-credential-regsync", "#!/bin/sh\nexit 1\n");
  std::filesystem::permissions(home_ / "bin/docker-credential-regsync", std::filesystem::perms(0755));
  setenv("PATH", ((home_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
  home_.write("docker/config.json", "{}");
  EXPECT_EQ(run({"setup", "--docker-config", (home_ / "docker").string()}), 0) << console_.err();
  EXPECT_THAT(test::read_file(home_ / "docker/config.json"), HasSubstr("\"credsStore\": \"regsync\""));
}

// A variable of the shell that is not set must not widen what a command does.
TEST_F(Cli, AnEmptyValueIsRefused) {
  log_in("ghcr.io", "me");
  run({"add", "web", "--registry", "ghcr.io"});
  for (const std::vector<std::string>& words : {std::vector<std::string>{"login", "--account", "", "ghcr.io"},
                                                {"logout", "--account", "", "ghcr.io"},
                                                {"rollback", "--account=", "ghcr.io"},
                                                {"sync", "--once", "--owner", ""},
                                                {"sync", ""},
                                                {"sync", "--timeout", ""},
                                                {"remove", "web", ""},
                                                {"rbac", "web", "--user", ""},
                                                {"rbac", "web", "--context", ""},
                                                {"verify", "--image", ""},
                                                {"status", "-n", ""},
                                                {"status", "--context=", "web"},
                                                {"add", "x", "--registry", "ghcr.io", "--dry-run="},
                                                {"diff", "--kubeconfig", ""},
                                                {"explain", "-l", ""},
                                                {"setup", "--environment", ""},
                                                {"rename", "web", "web2", "--secret-name", ""},
                                                {"add", "x", "--registry", "ghcr.io", "--docker-server", ""}}) {
    FakeConsole console;
    EXPECT_EQ(cli::run(words, console.console()), 2) << words.front();
    EXPECT_THAT(console.err(), HasSubstr(": the value is empty\nhint: give one, or leave it out; see: regsync " +
                                         words.front() + " --help"));
  }
  EXPECT_TRUE(console_.store().get("ghcr.io"));
}

TEST_F(Cli, ATimeoutThatIsNoneIsFoundBeforeALoginIsPutBack) {
  log_in("ghcr.io", "me");
  console_.replaced().store({{"ghcr.io", "before"}, SecretString("old")});
  EXPECT_EQ(run({"rollback", "ghcr.io", "--timeout", "soon"}), 2);
  EXPECT_EQ(console_.store().get("ghcr.io")->login.username, "me");
}

TEST_F(Cli, AnExpressionIsReadBeforeAnythingIsChanged) {
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io", "-o", "jsonpath={.items[0:2]}"}), 2);
  EXPECT_EQ(run({"add", "web", "--registry", "ghcr.io", "-o", "custom-columns=NAME"}), 2);
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets"));
  EXPECT_EQ(run({"get", "-o", "jsonpath={.items[*].metadata.name}"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("has no .metadata\nhint: its fields stand alone, as .name"));
}

TEST_F(Cli, ColumnsComeWithoutTheirHeaderToo) {
  run({"add", "web", "--registry", "ghcr.io"});
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"get", "--no-headers", "-o", "custom-columns=N:.name,R:.registries[*]"},
        {"get", "-o", "custom-columns=N:.name,R:.registries[*]", "--no-headers"}}) {
    FakeConsole console;
    EXPECT_EQ(cli::run(words, console.console()), 0);
    EXPECT_EQ(console.out(), "web   ghcr.io\n");
  }
}

TEST_F(Cli, AValueThatAnOptionDoesNotTakeIsNamed) {
  run({"add", "web", "--registry", "ghcr.io"});
  const auto said = [](const std::vector<std::string>& words) {
    FakeConsole console;
    EXPECT_EQ(cli::run(words, console.console()), 2) << words.front();
    return console.err();
  };
  EXPECT_THAT(said({"get", "-o", "name", "-o", "json"}), HasSubstr("error: --output is given more than once\n"));
  EXPECT_THAT(said({"get", "-o"}), HasSubstr("error: --output needs a value\n"));
  EXPECT_THAT(said({"add", "x", "--adopt=maybe"}), HasSubstr("error: --adopt: unsupported value \"maybe\"\n"));
  EXPECT_THAT(said({"add", "x", "--registry", "ghcr.io", "--wait", "1.5h"}),
              HasSubstr("hint: --wait takes a duration: --wait=30s"));
}

TEST_F(Cli, EveryCommandThatChangesSomethingTakesADryRunAsKubectlSpellsIt) {
  log_in("ghcr.io", "me");
  run({"add", "web", "--registry", "ghcr.io"});
  console_.replaced().store({{"ghcr.io", "before"}, SecretString("old")});
  for (const char* dry_run : {"--dry-run", "--dry-run=client", "--dry-run=server"}) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"rollback", "ghcr.io"},
                                                  {"logout", "ghcr.io"},
                                                  {"setup", "--environment", "PATH"},
                                                  {"remove", "web"},
                                                  {"pause", "web"},
                                                  {"set", "web", "pin=true"}}) {
      std::vector<std::string> dry = words;
      dry.emplace_back(dry_run);
      EXPECT_EQ(run(dry), 0) << words.front() << dry_run << console_.err();
    }
  }
  EXPECT_EQ(run({"rollback", "ghcr.io", "--dry-run=maybe"}), 2);
  EXPECT_EQ(console_.store().get("ghcr.io")->login.username, "me");
  EXPECT_EQ(target_file("web"), "secret: web\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [default]\n");
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/environment"));
  EXPECT_EQ(run({"set", "web", "pin=true", "--dry-run=none"}), 0);
  EXPECT_THAT(target_file("web"), HasSubstr("pin: true"));
}

TEST_F(Cli, WhereNothingCanBeEditedOrAppliedItSaysWhatWorks) {
  run({"add", "web", "--registry", "ghcr.io"});
  ::unsetenv("VISUAL");
  ::unsetenv("EDITOR");
  EXPECT_EQ(run({"edit", "web"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("there is no terminal to edit at"));
  EXPECT_EQ(run({"apply", "-f", "https://example.com/web.yaml"}), 1);
  EXPECT_THAT(console_.err(),
              HasSubstr("hint: fetch it first: curl -fsSL https://example.com/web.yaml | regsync apply"));
  EXPECT_EQ(run({"apply", "-f", "-"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("no target in standard input\nhint: targets are what regsync get"));
  EXPECT_EQ(run({"set", "web", "--namespace", "team-c"}), 2);
  EXPECT_THAT(console_.err(), HasSubstr("hint: fields come without dashes, as in regsync set NAME namespaces+=team-c"));
}

TEST_F(Cli, KubectlsKindsAreLeftOut) {
  run({"add", "web", "--registry", "ghcr.io"});
  EXPECT_EQ(run({"get", "targets"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("hint: leave \"targets\" out"));
  EXPECT_EQ(run({"describe", "target/web"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("did you mean \"web\"?"));
}

TEST_F(Cli, AContextWhereATargetIsNotIsAnErrorOfEachCommand) {
  run({"add", "web", "--registry", "ghcr.io", "--context", "dev"});
  run({"add", "api", "--registry", "ghcr.io", "--context", "prod"});
  const auto said = [](const std::vector<std::string>& words, int exit_code) {
    FakeConsole console;
    console.store().store({{"ghcr.io", "me"}, SecretString("x")});
    EXPECT_EQ(cli::run(words, console.console()), exit_code) << words.front();
    return console.err();
  };
  EXPECT_THAT(said({"diff", "web", "--context", "prod"}, 2), HasSubstr("no target has a Secret in context \"prod\""));
  EXPECT_THAT(said({"verify", "web", "--context", "prod"}, 1), HasSubstr("no target has a Secret in context \"prod\""));
  EXPECT_THAT(said({"rbac", "web", "api", "--context", "prod", "--user", "me"}, 2),
              HasSubstr("target web does not select context prod\nhint: its contexts: dev"));
}

class CliWithABadContext : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    home_.write("kubeconfig", std::string(kubeconfig) + "- {name: bad, context: {cluster: gone, user: u}}\n");
    declare("dev, bad");
    log_in("ghcr.io", "me");
  }
  void declare(const std::string& contexts) {
    home_.write("config/regsync/targets/web.yaml",
                "registries: [ghcr.io]\ncontexts: [" + contexts + "]\nnamespaces: [team-a]\nonLogout: remove\n");
  }
};

constexpr const char* not_known_for_bad =
    R"(not known for context bad: invalid configuration of context "bad": cluster "gone" was not found)";

TEST_F(CliWithABadContext, APreviewKnowsNothingOfItAndTheCommandGoesOn) {
  EXPECT_EQ(run({"sync", "--dry-run"}), 1);
  EXPECT_THAT(console_.out(), HasSubstr(not_known_for_bad));
  EXPECT_EQ(run({"set", "web", "contexts-=bad", "--yes"}), 0);
  EXPECT_THAT(console_.err(), HasSubstr(not_known_for_bad));
  EXPECT_THAT(target_file("web"), HasSubstr("contexts: [dev]"));
}

TEST_F(CliWithABadContext, ALogoutIsALogout) {
  EXPECT_EQ(run({"logout", "ghcr.io"}), 0);
  EXPECT_FALSE(console_.store().get("ghcr.io"));
}

// As with kubectl's own contexts, some of which are often out of use.
TEST_F(CliWithABadContext, AGlobMayTakeItIn) {
  EXPECT_EQ(run({"add", "api", "--registry", "ghcr.io", "--context", "[bd]*"}), 0);
  EXPECT_THAT(target_file("api"), HasSubstr("namespaces: [default]"));
  EXPECT_EQ(run({"add", "one", "--registry", "ghcr.io", "--context", "dev", "--context", "bad"}), 1) << "it is named";
  EXPECT_EQ(run({"add", "one", "--registry", "ghcr.io", "--context", "b*"}), 1) << "nothing says where";
  EXPECT_FALSE(std::filesystem::exists(home_ / "config/regsync/targets/one.yaml"));
}

TEST_F(CliWithABadContext, AContextThatIsNotInTheKubeconfigIsNotInOrder) {
  declare("gone");
  for (const auto& [words, exit_code] : std::vector<std::pair<std::vector<std::string>, int>>{
           {{"diff"}, 2}, {{"verify"}, 1}, {{"explain"}, 1}, {{"sync", "--dry-run"}, 1}}) {
    FakeConsole console;
    EXPECT_EQ(cli::run(words, console.console()), exit_code) << words.front();
    EXPECT_THAT(console.err() + console.out(), HasSubstr("context gone: context was not found")) << words.front();
  }
}

// To look nowhere is not to find that no pod fails.
TEST_F(CliWithABadContext, WhereNoContextIsSelectedNoPodWasLookedAt) {
  declare("'test-*'");
  EXPECT_EQ(run({"explain"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("error: no context of the kubeconfig is selected by any target\nhint: "));
}

// What another program wrote while the person was in the editor is not lost, and neither is what the person wrote.
TEST_F(Cli, AnEditLosesNothingThatWasChangedMeanwhile) {
  run({"add", "web", "--registry", "ghcr.io"});
  ::unsetenv("VISUAL");
  const std::string file = (home_ / "config/regsync/targets/web.yaml").string();
  ::setenv("TMPDIR", home_.path().c_str(), 1);
  ::setenv("EDITOR", ("echo pin: true >>" + file + "; sed -i 's/.ghcr.io.$/[quay.io] # moved/'").c_str(), 1);
  EXPECT_EQ(run({"edit", "web"}), 1);
  ::unsetenv("TMPDIR");
  EXPECT_THAT(console_.err(), HasSubstr("target \"web\" was changed by another program meanwhile"));
  EXPECT_THAT(target_file("web"), HasSubstr("[ghcr.io]"));
  EXPECT_THAT(target_file("web"), HasSubstr("pin: true"));
  std::smatch kept;
  const std::string err = console_.err();
  ASSERT_TRUE(std::regex_search(err, kept, std::regex("regsync apply -f (\\S+/web\\.yaml)\n"))) << err;
  EXPECT_EQ(run({"apply", "-f", kept[1].str()}), 0);
  EXPECT_THAT(target_file("web"), HasSubstr("[quay.io] # moved\n"));
}

// Of a server: whoever names a user or a context may have meant whoever applies this.
TEST_F(Cli, RbacGrantsNothingThatANameAdds) {
  for (const char* end : {"\u2028", "\u2029", "\u0085", "\r", "\n"}) {
    const std::string name = std::string("dev") + end + "---" + end + "kind: ClusterRoleBinding" + end;
    json config{{"apiVersion", "v1"}, {"kind", "Config"}, {"current-context", name}};
    config["clusters"] = {{{"name", "c"}, {"cluster", {{"server", "https://127.0.0.1:1"}}}}};
    config["users"] = {{{"name", "u"}, {"user", {{"token", "t"}}}}};
    config["contexts"] = {{{"name", name}, {"context", {{"cluster", "c"}, {"user", "u"}}}}};
    ::setenv("KUBECONFIG", home_.write("odd", config.dump()).c_str(), 1);
    home_.write("config/regsync/targets/web.yaml", "registries: [ghcr.io]\ncontexts: ['*']\nnamespaces: [team-a]\n");
    FakeConsole console;
    EXPECT_EQ(cli::run({"rbac", "web", "--context", name, "--user", "alice" + std::string(end) + "kind: Evil"},
                       console.console()),
              0)
        << console.err();
    for (const char* broken : {"\u2028", "\u2029", "\u0085", "\r"}) {
      EXPECT_THAT(console.out(), testing::Not(HasSubstr(broken)));
    }
    for (const YAML::Node& object : YAML::LoadAll(console.out())) {
      EXPECT_THAT(object["kind"].as<std::string>(""), testing::AnyOf("Role", "RoleBinding"));
    }
  }
}

// Of a login that any program of the user may have stored.
TEST_F(Cli, NoNameOfALoginSteersTheTerminal) {
  const std::string canary = "x\x1b]0;p\x07\u009b2J\x7f\u202e\u2066\u2028\u2029y";
  log_in(canary + ".example", canary);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"logins"},
                                             {"logins", "-o", "wide"},
                                             {"logins", "-o", "name"},
                                             {"logins", "-o", "json"},
                                             {"logins", "-o", "yaml"},
                                             {"logins", "-o", "jsonpath={.items[*].username}"},
                                             {"doctor"},
                                             {"doctor", "-o", "json"},
                                             {"logout", canary + ".example"},
                                             {"show", canary},
                                             {"explain", canary}}) {
    FakeConsole console;
    console.store().store({{canary + ".example", canary}, SecretString("hunter2")});
    cli::run(command, console.console());
    const std::string said = console.out() + console.err();
    for (std::string_view rest = said; !rest.empty();) {
      const auto point = take_code_point(rest);
      ASSERT_TRUE(point) << command.front();
      ASSERT_TRUE(*point == U'\n' || !changes_the_terminal(*point)) << json(command) << ": " << json(said);
    }
  }
}

TEST_F(Cli, RbacGrantsToWhomItIsTold) {
  run({"add", "web", "--registry", "ghcr.io", "--context", "prod"});
  EXPECT_EQ(run({"rbac", "web", "--user", "alice"}), 0);
  EXPECT_THAT(console_.out(), HasSubstr("namespace: web"));  // the context's own
  EXPECT_THAT(console_.out(), HasSubstr("name: alice"));
  EXPECT_EQ(run({"rbac", "web", "--user", "alice", "--context", "dev"}), 2);
}

// As one does whose state folder cannot be used.
TEST_F(Cli, WhatIsWrittenIsDoneThoughRegsyncdCannotBeTold) {
  const auto refusing = [](ControlPeer::Connection& connection) {
    for (std::string line = connection.read_line(); !line.empty(); line = connection.read_line()) {
      connection.write(control::make_error(json::parse(line)["id"], Error(ErrorCode::internal, "no space left")));
    }
  };
  ControlPeer peer(refusing, socket());
  home_.write("git/api.yaml", "registries: [ghcr.io]\ncontexts: [dev]\n");
  home_.write("git/web.yaml", "registries: [ghcr.io]\ncontexts: [dev]\n");
  EXPECT_EQ(run({"apply", "-f", (home_ / "git").string()}), 0);
  EXPECT_THAT(target_file("web"), HasSubstr("ghcr.io"));
  EXPECT_THAT(console_.out(), HasSubstr("target \"api\" added\ntarget \"web\" added\n"));
  EXPECT_THAT(console_.err(), HasSubstr("warning: target api is written, but regsyncd"));
  EXPECT_THAT(console_.err(), HasSubstr("no space left"));
}

TEST_F(Cli, ATargetWhoseNameIsTooLongForAFileIsNotFound) {
  run({"add", "web", "--registry", "ghcr.io"});
  EXPECT_EQ(run({"remove", std::string(300, 'a'), "--yes"}), 1);
  EXPECT_THAT(console_.err(), HasSubstr("\" not found"));
}

TEST_F(Cli, DescribeShowsEveryFieldThatIsSet) {
  home_.write("config/regsync/targets/web.yaml",
              "secret: pull\nregistries: [ghcr.io]\ncontextSelector: env=prod\nnamespaces: [team-a]\n"
              "excludeNamespaces: [kube-*]\nserviceAccounts: [default]\nemail: me@example.com\nonLogout: remove\n"
              "refresh: {ghcr.io: 1h}\nexpires: {ghcr.io: 2027-01-31}\nverifyLogins: false\nheal: evict\npin: true\n");
  EXPECT_EQ(run({"describe", "web"}), 0);
  for (const char* line : {"Contexts:         (env=prod)\n", "Email:            me@example.com\n",
                           "Refresh:          ghcr.io=1h\n", "Expires:          ghcr.io=2027-01-31\n",
                           "Verify Logins:    no\n", "Heal:             evict\n", "Pin:              yes\n"}) {
    EXPECT_THAT(console_.out(), HasSubstr(line));
  }
}

TEST_F(Cli, TheEditorGetsTheFileLimitThatThePersonHas) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 200;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  raise_file_limit();
  run({"add", "web", "--registry", "ghcr.io"});
  ::unsetenv("VISUAL");
  ::setenv("EDITOR", ("ulimit -n >" + (home_ / "limit").string() + "; true").c_str(), 1);
  EXPECT_EQ(run({"edit", "web"}), 0);
  EXPECT_EQ(test::read_file(home_ / "limit"), "200\n");
}

TEST_F(Cli, HowFarASyncIsGoesToATerminalOnly) {
  ControlPeer peer(answering(StatusReport{}), socket());
  console_.console().out_is_terminal = true;
  run({"add", "web", "--registry", "ghcr.io"});
  run({"sync"});
  EXPECT_THAT(console_.err(), testing::Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace regsync::cli
