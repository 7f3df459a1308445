// The daemon as a whole, among files and limits that are not as it expects: each costs what it concerns, and is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "tests/integration/daemon/daemon_fixture.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class DaemonTest : public DaemonFixture {};

TEST_F(DaemonTest, OddFilesAreProblemsOfTheirOwn) {
  write_target("good");
  write_target("latin", "email: \"jos\xe9@example.com\"\n");
  person_.home().write(".config/regsync/targets/other.yml", "registries: [ghcr.io]\n");
  fs::create_directories(person_.home() / ".config/regsync/targets/folder.yaml");
  ASSERT_EQ(::mkfifo((person_.home() / ".config/regsync/targets/fifo.yaml").c_str(), 0600), 0);
  fs::remove(person_.home() / ".config/regsync/config.yaml");
  fs::create_directories(person_.home() / ".config/regsync/config.yaml");
  fs::remove(person_.home() / ".docker/config.json");
  fs::create_directories(person_.home() / ".docker/config.json");
  person_.home().write(".local/state/regsync/owner", "00112233445566aa\n");  // else the settings might name another one
  person_.start_daemon();
  EXPECT_TRUE(in_sync("good"));
  const std::string text = person_.regsync({"status"}).out;
  for (const char* said :
       {"latin.yaml:4: the text is not UTF-8", "other.yml: ignored", "folder.yaml: is a folder",
        "fifo.yaml: is not a regular file", "config.yaml: is a folder", ".docker/config.json: is a folder"}) {
    EXPECT_THAT(text, HasSubstr(said));
  }
}

// As stow and chezmoi have them. An editor, as git, replaces the file and not the link.
TEST_F(DaemonTest, ATargetFileThatIsALinkCountsWhenItsEndChanges) {
  write_target("seed");
  const auto text = [](const std::string& namespaces) {
    return "registries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [" + namespaces + "]\n";
  };
  server_.make_namespace("team-b");
  const fs::path real = person_.home().write("dotfiles/web.yaml", text("team-a"));
  fs::create_symlink(real, person_.home() / ".config/regsync/targets/web.yaml");
  person_.start_daemon();
  ASSERT_TRUE(in_sync("web"));
  fs::rename(person_.home().write("dotfiles/new", text("team-a, team-b")), real);
  EXPECT_TRUE(wait_until([&] { return server_.find({"secrets", "team-b", "web"}).has_value(); }));
}

TEST_F(DaemonTest, BadSettingsLeaveTheLastGoodOnesInForceAlsoAfterARestart) {
  write_target("good");
  const auto metrics = person_.home() / "metrics/regsync.prom";
  const std::string good = "verifyLogins: false\nmetrics: {textfile: " + metrics.string() + "}\n";
  person_.home().write(".config/regsync/config.yaml", good);
  person_.start_daemon();
  ASSERT_TRUE(in_sync("good"));
  person_.home().write(".config/regsync/config.yaml", "logLevel: [\n");
  EXPECT_TRUE(wait_until([&] { return status()["problems"].dump().find("config.yaml") != std::string::npos; }));
  person_.stop_daemon(SIGTERM);
  fs::remove(metrics);
  person_.start_daemon();
  EXPECT_TRUE(in_sync("good"));
  EXPECT_THAT(status()["problems"].dump(), HasSubstr("config.yaml"));
  EXPECT_TRUE(wait_until([&] { return fs::exists(metrics); }));
  person_.home().write(".config/regsync/config.yaml", good);
  EXPECT_TRUE(wait_until([&] { return status()["problems"].empty(); }));
}

TEST_F(DaemonTest, SettingsThatCountFromTheStartOnAreAProblemOnceTheyChange) {
  write_target("good");
  person_.start_daemon();
  ASSERT_TRUE(in_sync("good"));
  for (const std::string setting : {"owner", "concurrency"}) {
    person_.home().write(".config/regsync/config.yaml", setting + ": 7\n");
    EXPECT_TRUE(wait_until([&] {
      return status()["problems"].dump().find("regsyncd took " + setting + " when it started") != std::string::npos;
    })) << setting;
  }
  fs::remove(person_.home() / ".config/regsync/config.yaml");
  EXPECT_TRUE(wait_until([&] { return status()["problems"].empty(); })) << status().dump(2);
}

TEST_F(DaemonTest, ASecretThatIsNotUtf8IsAProblemOfItsTarget) {
  write_target("good");
  person_.home().write(".config/regsync/targets/odd.yaml",
                       "registries: [odd.test]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  person_.store_login("odd.test", "me", "will be replaced");
  const auto stored =
      person_.run({"secret-tool", "store", "--label=odd", "xdg:schema", "io.docker.Credentials", "label",
                   "Docker Credentials", "server", "odd.test", "username", "me", "docker_cli", "1"},
                  "\xff\xfe");
  ASSERT_EQ(stored.exit_code, 0) << stored.err;
  person_.start_daemon();
  EXPECT_TRUE(in_sync("good"));
  EXPECT_TRUE(person_.daemon().running());
}

TEST_F(DaemonTest, ALoginThatWasReplacedComesBackEverywhere) {
  write_target("good");
  person_.home().write(".config/regsync/config.yaml", "verifyLogins: false\n");
  person_.start_daemon();
  ASSERT_TRUE(in_sync("good"));
  const auto holds = [&](const std::string& password) {
    const auto secret = server_.find({"secrets", "team-a", "good"});
    return secret && base64_decode(secret->at("data").at(".dockerconfigjson").get<std::string>())
                             .value_or("")
                             .find("\"" + password + "\"") != std::string::npos;
  };
  const auto is_kept = [&](std::size_t times) {
    const std::string log = person_.daemon().err();
    std::size_t said = 0;
    for (auto at = log.find("regsync rollback"); at != std::string::npos; at = log.find("regsync rollback", at + 1)) {
      ++said;
    }
    return said >= times;
  };
  const auto helper = [&](const std::string& command, const std::string& in) {
    return person_.run({"docker-credential-regsync", command}, in).out;
  };
  const std::string first = "the first password";
  const std::string second = "the second password";
  person_.store_login("ghcr.io", "me", first);
  ASSERT_TRUE(wait_until([&] { return holds(first) && is_kept(1); }));
  person_.store_login("ghcr.io", "me", second);
  ASSERT_TRUE(wait_until([&] { return holds(second) && is_kept(2); }));
  EXPECT_EQ(json::parse(helper("list", "")).size(), 1U);

  std::size_t changes = 2;
  for (const std::string& back : {first, second}) {
    const auto outcome = person_.regsync({"rollback", "https://ghcr.io"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
    EXPECT_TRUE(holds(back));
    EXPECT_EQ(json::parse(helper("list", "")).size(), 1U);
    EXPECT_THAT(helper("get", "ghcr.io"), HasSubstr(back));
    EXPECT_TRUE(wait_until([&] { return is_kept(changes + 1); }));
    ++changes;
  }
  const auto none = person_.regsync({"rollback", "quay.io"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("no earlier login for quay.io"));
  EXPECT_EQ(person_.daemon().err().find(first), std::string::npos);
}

TEST_F(DaemonTest, AnOccupiedMetricsPortIsShownAndTriedAgain) {
  write_target("good");
  const auto port = server_.url().substr(server_.url().rfind(':'));
  person_.home().write(".config/regsync/config.yaml", "metrics: {listen: \"127.0.0.1" + port + "\"}\n");
  person_.start_daemon();
  EXPECT_TRUE(in_sync("good"));
  EXPECT_THAT(status()["problems"].dump(), HasSubstr("cannot listen on 127.0.0.1" + port));
  EXPECT_EQ(person_.regsync({"status"}).exit_code, 1) << "every Secret is as asked, and regsyncd is not";
}

TEST_F(DaemonTest, WithoutInotifyChangesAreNoticedAllTheSame) {
  Program limited =
      person_.program({"unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_inotify_watches && exec regsyncd"});
  Process daemon(limited);
  if (!wait_until([&] { return daemon.err().find("is ready") != std::string::npos || !daemon.running(); }) ||
      !daemon.running()) {
    SKIP_OR_FAIL("no user namespaces here: " + daemon.err());
  }
  write_target("good");
  EXPECT_TRUE(wait_until([&] { return status()["items"].size() == 1; }));
  EXPECT_THAT(status()["problems"].dump(), HasSubstr("no inotify watch is left"));
  daemon.signal(SIGTERM);
  daemon.wait(std::chrono::seconds(15));
}

// A socket of the journal that nobody reads, with no room left.
class StoppedJournal {
 public:
  explicit StoppedJournal(const fs::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const auto* name = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(reader_, name, sizeof address), 0);
    for (bool took_one = true; took_one;) {  // each writer has a buffer of its own, which may end first
      const int writer = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      took_one = false;
      while (::sendto(writer, "x", 1, 0, name, sizeof address) == 1) {
        took_one = true;
      }
      EXPECT_EQ(errno, EAGAIN);
      ::close(writer);
    }
  }
  ~StoppedJournal() { ::close(reader_); }
  StoppedJournal(const StoppedJournal&) = delete;
  StoppedJournal& operator=(const StoppedJournal&) = delete;
  StoppedJournal(StoppedJournal&&) = delete;
  StoppedJournal& operator=(StoppedJournal&&) = delete;

  // What has come since, without what it was filled with.
  [[nodiscard]] std::string read() const {
    std::string all;
    std::array<char, 4096> datagram{};
    for (ssize_t size = 0; (size = ::recv(reader_, datagram.data(), datagram.size(), 0)) > 0;) {
      all.append(datagram.data(), size > 1 ? static_cast<std::size_t>(size) : 0);
    }
    return all;
  }

 private:
  int reader_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
};

TEST_F(DaemonTest, AJournalThatIsStoppedHoldsNothingUp) {
  const fs::path folder = person_.home().write("journal/none", "").parent_path();
  const StoppedJournal journal(folder / "socket");
  person_.env["JOURNAL_FOLDER"] = folder.string();
  const char* const script = R"(mount -t tmpfs none /run && mkdir -p /run/systemd/journal &&
    mount --bind "$JOURNAL_FOLDER" /run/systemd/journal &&
    JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec regsyncd)";
  Process daemon(person_.program({"unshare", "-Urm", "sh", "-c", script}));
  write_target("good");
  const fs::path control = person_.home() / "run/regsync/control.sock";
  if (!wait_until([&] { return fs::exists(control) || !daemon.running(); }) || !daemon.running()) {
    SKIP_OR_FAIL("no mount namespaces here: " + daemon.err());
  }
  EXPECT_TRUE(in_sync("good"));
  EXPECT_EQ(daemon.err(), "") << "it does not log to the journal";
  EXPECT_EQ(journal.read(), "");
  write_target("better");
  EXPECT_TRUE(in_sync("better"));
  EXPECT_TRUE(wait_until([&] { return journal.read().find("lines that are missing here") != std::string::npos; }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(std::chrono::seconds(15)), 0);
}

TEST_F(DaemonTest, ItsLimitOfFilesIsRaisedAndChildrenKeepTheOldOne) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max <= 512) {
    SKIP_OR_FAIL("the hard limit of open files is low");
  }
  const auto helper = person_.home().write("bin/docker-credential-limit",
                                           "#!/bin/sh\n"  // it may run before it is given the limit
                                           "until [ $(ulimit -Sn) = 256 ]; do sleep 0.01; done\n"
                                           "ulimit -Sn >\"$HOME/limit\"\n"
                                           "echo '{\"Username\":\"u\",\"Secret\":\"p\"}'\n");
  fs::permissions(helper, fs::perms::owner_all);
  person_.env["PATH"] = (person_.home() / "bin").string() + ":" + person_.env["PATH"];
  person_.home().write(".docker/config.json", R"({"credHelpers": {"ghcr.io": "limit"}})");
  write_target("good");
  Process daemon(person_.program({"sh", "-c", "ulimit -Sn 256; exec regsyncd"}));
  ASSERT_TRUE(wait_until([&] { return fs::exists(person_.home() / "limit"); })) << daemon.err();
  EXPECT_TRUE(wait_until([&] { return read_file(person_.home() / "limit") == "256\n"; }));
  std::ifstream limits("/proc/" + std::to_string(daemon.pid()) + "/limits");
  std::string line;
  while (std::getline(limits, line) && line.find("open files") == std::string::npos) {
  }
  EXPECT_THAT(line, HasSubstr(" " + std::to_string(limit.rlim_max) + " "));
  daemon.signal(SIGTERM);
  daemon.wait(std::chrono::seconds(15));
}

TEST_F(DaemonTest, ItsEnvironmentIsToldWithAbsolutePathsAndWithoutPasswords) {
  person_.env["HTTPS_PROXY"] = "http://user:hunter2@proxy.corp:3128";
  Process daemon(person_.program({"sh", "-c", "cd \"$HOME\" && KUBECONFIG=kubeconfig exec regsyncd"}));
  json told;
  ASSERT_TRUE(wait_until([&] {
    const json report = status();
    told = report.is_object() ? report.value("environment", json()) : json();
    return told.is_object();
  })) << daemon.err();
  EXPECT_EQ(told["KUBECONFIG"], (person_.home() / "kubeconfig").string());
  EXPECT_EQ(told["HTTPS_PROXY"], "http://proxy.corp:3128");
  daemon.signal(SIGTERM);
  daemon.wait(std::chrono::seconds(15));
}

// As where .bashrc sets it, which the user manager does not read.
TEST_F(DaemonTest, AShellWithAnotherConfigFolderIsToldOfThatOfTheDaemon) {
  person_.start_daemon();
  person_.env["XDG_CONFIG_HOME"] = (person_.home() / "cfg").string();
  const auto added =
      person_.regsync({"add", "web", "--registry", "ghcr.io", "--context", "dev", "--namespace", "team-a"});
  EXPECT_TRUE(fs::exists(person_.home() / "cfg/regsync/targets/web.yaml")) << added.err;
  EXPECT_THAT(added.err, HasSubstr("its folder, " + (person_.home() / ".config/regsync/targets").string()));
  EXPECT_THAT(added.err, HasSubstr("XDG_CONFIG_HOME"));
}

TEST_F(DaemonTest, ASecondOneSaysOnceThatTheFirstRuns) {
  person_.start_daemon();
  Process second(person_.program({"regsyncd"}));
  EXPECT_EQ(second.wait(std::chrono::seconds(10)), 1);
  const std::string said = second.err();
  const auto first = said.find("runs already");
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find("runs already", first + 1), std::string::npos) << said;
}

}  // namespace
}  // namespace regsync::test
