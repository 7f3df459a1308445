// Commands on a terminal: colour, what redraws itself, and questions.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <utility>

#include "sync/control/messages.hpp"
#include "sync/model/status_report.hpp"
#include "tests/integration/cli/cli_world.hpp"
#include "tests/support/control_peer.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* green_in_sync = "\x1b[32mInSync\x1b[0m";

class CliTerminal : public CliWorld {
 protected:
  // What a command writes to a terminal.
  [[nodiscard]] std::string bytes_on_terminal(const std::vector<std::string>& arguments) const {
    Terminal terminal(regsync_program(arguments));
    EXPECT_TRUE(terminal.wait());
    return terminal.bytes();
  }
};

TEST_F(CliTerminal, ColoursAreForTerminalsThatWantThem) {
  start_in_sync();
  EXPECT_THAT(bytes_on_terminal({"status"}), HasSubstr(green_in_sync));
  EXPECT_THAT(person_.regsync({"status"}).out, AllOf(HasSubstr("InSync"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(bytes_on_terminal({"status", "-o", "json"}), AllOf(HasSubstr("InSync"), Not(HasSubstr("\x1b"))));
  person_.env["TERM"] = "dumb";
  EXPECT_THAT(bytes_on_terminal({"status"}), AllOf(HasSubstr("InSync"), Not(HasSubstr("\x1b"))));
  person_.env["TERM"] = "xterm";
  person_.env["NO_COLOR"] = "1";
  EXPECT_THAT(bytes_on_terminal({"status"}), AllOf(HasSubstr("InSync"), Not(HasSubstr("\x1b"))));
}

TEST_F(CliTerminal, NobodyIsAskedForThePasswordOfAnEmptyUserName) {
  Terminal terminal(regsync_program({"login", "ghcr.io"}));
  ASSERT_TRUE(terminal.comes_to_show("Username for ghcr.io"));
  terminal.type("\r");
  EXPECT_TRUE(terminal.wait());
  EXPECT_THAT(terminal.bytes(), AllOf(HasSubstr("the user name is empty"), Not(HasSubstr("Password for"))));
}

// What was typed at the shell after that would not show.
TEST_F(CliTerminal, AnInterruptedPasswordPromptGivesTheEchoBack) {
  const auto in_shell = [&](const std::string& script) {
    Program program = regsync_program({"login", "ghcr.io", "-u", "me", "--no-verify"});
    std::string command = "trap : INT; ";
    for (const std::string& argument : program.argv) {
      command += argument + " ";
    }
    program.argv = {"sh", "-m", "-c", command + script};  // with jobs
    return program;
  };
  for (const char* keys : {"\x03", "\x1c"}) {
    Terminal terminal(in_shell("; echo \"code $?\"; stty -a; read line"));
    ASSERT_TRUE(terminal.comes_to_show("Password for"));
    terminal.type(keys);
    ASSERT_TRUE(terminal.becomes(HasSubstr(" echo ")));
    EXPECT_THAT(terminal.screen(), Not(HasSubstr(" -echo ")));
  }
  Terminal terminal(in_shell("; stty -a; echo stopped; fg; echo ended"));
  ASSERT_TRUE(terminal.comes_to_show("Password for"));
  terminal.type("\x1a");
  ASSERT_TRUE(terminal.becomes(AllOf(HasSubstr("stopped"), HasSubstr(" echo "))));
  terminal.type("hunter2\r");
  ASSERT_TRUE(terminal.becomes(HasSubstr("ended")));
  EXPECT_THAT(terminal.screen(), HasSubstr("login of me for ghcr.io stored"));
}

TEST_F(CliTerminal, AnInterruptedEditSaysWhereTheTextIs) {
  declare_web();
  person_.env["TMPDIR"] = person_.home().path().string();
  person_.env["EDITOR"] = "sed -i s/ghcr.io/ghcr.io:x/";
  Terminal terminal(regsync_program({"edit", "web"}));
  ASSERT_TRUE(terminal.comes_to_show("Edit it again? [y/N]:"));
  terminal.type("\x03");
  EXPECT_NE(terminal.wait(), 0);
  const std::string said = terminal.bytes();
  std::smatch kept;
  ASSERT_TRUE(std::regex_search(
      said, kept, std::regex(R"(your text is kept; correct it, and then: regsync apply -f (\S+/web\.yaml))")))
      << said;
  EXPECT_THAT(read_file(kept[1].str()), HasSubstr("ghcr.io:x"));
}

// As where a target comes from a pipe.
TEST_F(CliTerminal, APluginSpeaksToThePersonWhateverStandardInputIs) {
  declare_web();
  const auto plugin = person_.home().write(
      "plugin",
      "#!/bin/sh\necho 'enter the code ABCD-EFGH' >&2\n"
      R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}')");
  std::filesystem::permissions(plugin, std::filesystem::perms::owner_all);
  const json exec = {{"command", plugin.string()},
                     {"apiVersion", "client.authentication.k8s.io/v1"},
                     {"interactiveMode", "IfAvailable"}};
  const json config = {{"clusters", {{{"name", "c"}, {"cluster", {{"server", "https://127.0.0.1:1"}}}}}},
                       {"users", {{{"name", "u"}, {"user", {{"exec", exec}}}}}},
                       {"contexts", {{{"name", "dev"}, {"context", {{"cluster", "c"}, {"user", "u"}}}}}},
                       {"current-context", "dev"}};
  person_.env["KUBECONFIG"] = person_.home().write("with-plugin", config.dump()).string();
  Program program = regsync_program({"rbac", "web"});
  program.argv.insert(program.argv.begin(), {"sh", "-c", "exec \"$@\" </dev/null", "sh"});
  Terminal terminal(program);
  EXPECT_TRUE(terminal.wait());
  EXPECT_THAT(terminal.bytes(), HasSubstr("enter the code ABCD-EFGH"));
}

TEST_F(CliTerminal, WatchIsALiveViewThatLeavesTheTerminalAsItWas) {
  start_in_sync();
  Terminal terminal(regsync_program({"status", "--watch"}));
  ASSERT_TRUE(terminal.comes_to_show("2/2"));
  EXPECT_TRUE(terminal.on_alternate_screen());
  EXPECT_TRUE(becomes_golden(terminal, "watch.txt"));

  dev_.deny("", "secrets", "team-b");
  person_.store_login("ghcr.io", "jdoe", "rotated");
  ASSERT_TRUE(terminal.becomes(AllOf(HasSubstr("1 Secret in sync, 1 not"), HasSubstr("Forbidden"), HasSubstr("-> "),
                                     HasSubstr("regsync rbac"))));

  dev_.allow_all();
  ASSERT_EQ(person_.regsync({"sync"}).exit_code, 0);
  EXPECT_TRUE(terminal.becomes(AllOf(HasSubstr("2 Secrets in sync"), Not(HasSubstr("-> ")))))
      << "nothing of the problem stays on the screen";

  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_FALSE(terminal.on_alternate_screen());
  EXPECT_THAT(terminal.screen(), HasSubstr("InSync")) << "the last state stays";
  EXPECT_THAT(terminal.bytes(), HasSubstr("\x1b[?25h"));
}

TEST_F(CliTerminal, ALiveViewThatIsStoppedOrQuitGivesTheTerminalBack) {
  start_in_sync();
  const auto in_shell = [&](const std::string& script) {
    Program program = regsync_program({"status", "--watch"});
    std::string command = "trap : INT; ";
    for (const std::string& argument : program.argv) {
      command += argument + " ";
    }
    program.argv = {"sh", "-m", "-c", command + script};  // with jobs
    return program;
  };
  const auto given_back = AllOf(HasSubstr(" icanon "), HasSubstr(" echo "), Not(HasSubstr(" -echo ")));
  Terminal quit(in_shell("; stty -a; read line"));
  ASSERT_TRUE(quit.comes_to_show("2/2"));
  quit.type("\x1c");
  EXPECT_TRUE(quit.becomes(given_back));
  EXPECT_FALSE(quit.on_alternate_screen());
  EXPECT_THAT(quit.bytes(), HasSubstr("\x1b[?25h"));

  Terminal stopped(in_shell("; stty -a; echo stopped; read line; fg; echo ended; stty -a"));
  ASSERT_TRUE(stopped.comes_to_show("2/2"));
  stopped.type("\x1a");
  ASSERT_TRUE(stopped.becomes(AllOf(HasSubstr("stopped"), given_back)));
  EXPECT_FALSE(stopped.on_alternate_screen());
  stopped.type("\n");
  ASSERT_TRUE(stopped.becomes(AllOf(HasSubstr("2/2"), Not(HasSubstr("stopped"))))) << "it goes on";
  stopped.type("q");
  EXPECT_TRUE(stopped.becomes(AllOf(HasSubstr("ended"), given_back)));
}

TEST_F(CliTerminal, ALiveViewWithoutAnAnswerEndsAtOnce) {
  const auto socket = person_.home().write("run/regsync/none", "").parent_path() / "control.sock";
  person_.env["XDG_RUNTIME_DIR"] = (person_.home() / "run").string();
  const auto silent = [](ControlPeer::Connection& connection) {
    connection.read_line();
    connection.read_line();  // until the client goes
  };
  const ControlPeer peer(silent, socket);
  Terminal terminal(regsync_program({"status", "--watch"}));
  ASSERT_TRUE(wait_until([&] { return terminal.on_alternate_screen(); }));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(std::chrono::seconds(4)), 1);
  EXPECT_THAT(terminal.screen(), testing::IsEmpty());
}

TEST_F(CliTerminal, ALiveViewThatNoHangUpEndsEndsWithItsTerminal) {
  start_in_sync();
  Program program = regsync_program({"status", "--watch"});
  program.argv.insert(program.argv.begin(), {"sh", "-c", R"(trap "" HUP; exec "$@")", "sh"});
  Terminal terminal(program);
  ASSERT_TRUE(terminal.comes_to_show("2/2"));
  terminal.hang_up();
  EXPECT_TRUE(terminal.wait());
}

// `regsync status --watch -o json` into a pipe, which has room for a part of a report.
class CliStream : public CliTerminal {
 protected:
  void SetUp() override {
    CliTerminal::SetUp();
    const auto pipe = person_.home() / "pipe";
    EXPECT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    read_ = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GT(::fcntl(read_, F_SETPIPE_SZ, 4096), 0);
    Program program = regsync_program({"status", "--watch", "-o", "json"});
    program.argv.insert(program.argv.begin(), {"sh", "-c", R"(exec "$@" >"$PIPE")", "sh"});
    program.env["PIPE"] = pipe.string();
    program.env["XDG_RUNTIME_DIR"] = (person_.home() / "run").string();
    watch_.emplace(program);
  }
  void TearDown() override {
    nobody_reads();
    CliTerminal::TearDown();
  }

  void nobody_reads() {
    if (read_ >= 0) {
      ::close(std::exchange(read_, -1));
    }
  }
  [[nodiscard]] int size_of_pipe() const {
    int size = 0;
    ::ioctl(read_, FIONREAD, &size);
    return size;
  }

 private:
  static std::string report() {
    StatusReport report;
    const Error problem(ErrorCode::invalid_input, std::string(100, 'x'));
    report.problems.resize(100, problem);
    return control::make_response(1, control::to_json(report));
  }

  const ControlPeer peer_{[](ControlPeer::Connection& connection) {
                            connection.read_line();
                            connection.write(report());
                            connection.read_line();  // until the client goes
                          },
                          person_.home().write("run/regsync/none", "").parent_path() / "control.sock"};
  int read_ = -1;

 protected:
  std::optional<Process> watch_;
};

TEST_F(CliStream, ThatNobodyReadsEndsByASignal) {
  ASSERT_TRUE(wait_until([&] { return size_of_pipe() == 4096; }));
  watch_->signal(SIGTERM);
  EXPECT_EQ(watch_->wait(std::chrono::seconds(20)), 1);
}

TEST_F(CliStream, WhoseReaderGoesEndsBeforeTheNextChange) {
  ASSERT_TRUE(wait_until([&] { return size_of_pipe() > 0; }));
  nobody_reads();
  EXPECT_TRUE(watch_->wait(std::chrono::seconds(20)));
}

TEST_F(CliTerminal, KeysChangeTheLiveViewAndQEndsIt) {
  start_in_sync();
  Terminal terminal(regsync_program({"status", "--watch"}));
  ASSERT_TRUE(terminal.comes_to_show("2/2"));
  terminal.type("a");
  ASSERT_TRUE(terminal.becomes(AllOf(HasSubstr("team-a"), HasSubstr("team-b"))));
  terminal.type("/team-b\r");
  ASSERT_TRUE(terminal.becomes(AllOf(HasSubstr("filter: team-b)"), HasSubstr("dev"), Not(HasSubstr("team-a")))));
  terminal.type("\x1b");
  ASSERT_TRUE(terminal.comes_to_show("team-a"));
  terminal.type("f");
  ASSERT_TRUE(terminal.becomes(Not(HasSubstr("team-a"))));
  terminal.type("q");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_FALSE(terminal.on_alternate_screen());
}

TEST_F(CliTerminal, WatchSaysWhenTheDaemonGoesAway) {
  start_in_sync();
  Terminal terminal(regsync_program({"status", "--watch"}));
  ASSERT_TRUE(terminal.comes_to_show("2/2"));
  EXPECT_EQ(person_.stop_daemon(SIGTERM), 0);
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_FALSE(terminal.on_alternate_screen());
  EXPECT_TRUE(is_golden(terminal.screen() + "\n", "watch-ended.txt"));
}

TEST_F(CliTerminal, WatchFitsTheTerminalAndShowsWhatIsWrongFirst) {
  std::string namespaces = "team-b";
  for (int i = 10; i < 40; ++i) {
    const std::string name = "many-" + std::to_string(i);
    dev_.make_namespace(name);
    namespaces += ", " + name;
  }
  dev_.deny("", "secrets", "team-b");
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  person_.home().write(".config/regsync/targets/web.yaml",
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [" + namespaces + "]\n");
  person_.start_daemon();
  Terminal terminal(regsync_program({"status", "--watch", "--all"}), {.rows = 16, .columns = 80});
  EXPECT_TRUE(
      terminal.becomes(AllOf(HasSubstr("30 Secrets in sync, 1 not"), HasSubstr("team-b"), HasSubstr("1-13 of 37"))));
  terminal.type("G");
  EXPECT_TRUE(terminal.comes_to_show("regsync rbac"));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 1);
}

TEST_F(CliTerminal, SyncShowsHowFarItIsAndThenTheAnswerOnly) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  dev_.inject({.kind = Fault::Kind::status, .verb = "apply", .times = -1, .status = 503});
  person_.start_daemon();
  Terminal terminal(regsync_program({"sync"}));
  EXPECT_TRUE(terminal.comes_to_show("0 of 2 Secrets in sync; waiting for web in dev (ServerError)"));
  dev_.clear_faults();
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_EQ(terminal.screen(), "1 target: 2 Secrets in sync");
  EXPECT_THAT(person_.regsync({"sync"}).err, testing::IsEmpty()) << "no progress in a pipe";
}

TEST_F(CliTerminal, AddAsksWhichOfSeveralLogins) {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  person_.store_login("quay.io", "robot", "hunter2");
  Terminal terminal(regsync_program({"add", "web"}));
  ASSERT_TRUE(terminal.comes_to_show("[1-2, all]:"));
  terminal.type("both\n");
  // Asked again: what is typed before would show in the middle of the question.
  ASSERT_TRUE(terminal.comes_to_show("example 1 or 1,3 or all.\nRegistries for the Secret [1-2, all]:"));
  terminal.type("all\n");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(is_golden(terminal.screen() + "\n", "choose.txt"));
  EXPECT_THAT(person_.regsync({"list"}).out, HasSubstr("ghcr.io,quay.io"));
}

TEST_F(CliTerminal, AddAsksForThePasswordWithoutShowingIt) {
  Terminal terminal(regsync_program({"add", "web", "--docker-server", "ghcr.io", "--docker-username", "jdoe"}));
  ASSERT_TRUE(terminal.comes_to_show("Password for jdoe at ghcr.io:"));
  terminal.type("hunter2\n");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_THAT(terminal.bytes(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(person_.run({"docker-credential-regsync", "get"}, "ghcr.io").out, HasSubstr("hunter2"));
}

}  // namespace
}  // namespace regsync::test
