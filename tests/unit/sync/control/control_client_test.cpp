#include "sync/control/control_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "helper/base/error.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/control/messages.hpp"
#include "tests/support/control_peer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::ControlPeer;

ErrorCode code_of_call(const std::filesystem::path& socket, std::chrono::milliseconds timeout = 5s) {
  try {
    ControlClient(socket).call("status", json::object(), timeout);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

void answer_nothing(ControlPeer::Connection& connection) {
  connection.read_line();
  connection.read_line();  // until the client goes
}

void report_once(ControlPeer::Connection& connection) {
  const json request = json::parse(connection.read_line());
  connection.write(control::make_response(request["id"], control::to_json(StatusReport{})));
  connection.read_line();
}

TEST(ControlClient, WithoutADaemonSaysHowToStartIt) {
  const test::TempDir root;
  try {
    ControlClient client(root.path() / "control.sock");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::daemon_unreachable);
    EXPECT_EQ(error.remedy(), how_to_start_regsyncd());
  }
}

TEST(ControlClient, APathTooLongForASocketIsNotTruncated) {
  try {
    ControlClient client("/tmp/" + std::string(200, 'x'));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::daemon_unreachable);
    EXPECT_THAT(error.message(), testing::HasSubstr("name too long"));
  }
}

TEST(ControlClient, AListenerThatAcceptsNobodyIsAnErrorInTime) {
  const test::TempDir root;
  const std::string path = (root.path() / "control.sock").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  const ControlClient waiting(path);  // all that there is room for
  EXPECT_EQ(code_of_call(path), ErrorCode::daemon_unreachable);
  ::close(listener);
}

// A process of its own that listens, as `user`, and is stopped (Ctrl-Z, or a debugger): at once, or once it has given
// the first client an answer.
class StoppedDaemon {
 public:
  explicit StoppedDaemon(const std::string& answer = {}, uid_t user = geteuid()) {
    const std::string path = socket();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve(path, answer, user);
      _exit(1);
    }
    int status = 0;
    waitpid(pid_, &status, WUNTRACED);
    EXPECT_TRUE(WIFSTOPPED(status)) << "it cannot listen";
    if (!answer.empty()) {
      kill(pid_, SIGCONT);
    }
  }
  ~StoppedDaemon() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  StoppedDaemon(const StoppedDaemon&) = delete;
  StoppedDaemon& operator=(const StoppedDaemon&) = delete;
  StoppedDaemon(StoppedDaemon&&) = delete;
  StoppedDaemon& operator=(StoppedDaemon&&) = delete;

  [[nodiscard]] std::string socket() const { return (root_ / "control.sock").string(); }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  static void serve(const std::string& path, const std::string& answer, uid_t user) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        setresuid(user, user, user) != 0 || listen(listener, 1) != 0) {
      return;
    }
    static_cast<void>(raise(SIGSTOP));
    const int client = accept(listener, nullptr, nullptr);
    static_cast<void>(send(client, answer.data(), answer.size(), MSG_NOSIGNAL));
    static_cast<void>(raise(SIGSTOP));
  }

  test::TempDir root_;
  pid_t pid_ = 0;
};

TEST(ControlClient, ADaemonThatIsStoppedIsToldAsThatBeforeTheTimeIsUp) {
  const StoppedDaemon daemon;
  const auto began = std::chrono::steady_clock::now();
  try {
    ControlClient(daemon.socket()).call("status", json::object(), 60s);
    ADD_FAILURE() << "answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::daemon_unreachable);
    EXPECT_THAT(error.message(), testing::HasSubstr("(process " + std::to_string(daemon.pid()) + ") is stopped"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
  EXPECT_EQ(code_of_call(daemon.socket(), 100ms), ErrorCode::daemon_unreachable) << "also where less time is given";
}

TEST(ControlClient, ASubscriptionToADaemonThatIsStoppedMeanwhileEnds) {
  const StoppedDaemon daemon(control::make_response(1, control::to_json(StatusReport{})));
  int reports = 0;
  try {
    ControlClient(daemon.socket()).subscribe({}, 10ms, [&](const StatusReport&) { return ++reports < 100'000; });
    ADD_FAILURE() << "goes on with an old report";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::daemon_unreachable);
    EXPECT_THAT(error.message(), testing::HasSubstr("(process " + std::to_string(daemon.pid()) + ") is stopped"));
  }
  EXPECT_GE(reports, 1);
}

// What it says is another user's word.
TEST(ControlClient, WhoeverListensAsAnotherUserIsNotAsked) {
  if (geteuid() != 0) {
    SKIP_OR_FAIL("only root can be two users");
  }
  const StoppedDaemon daemon({}, 65534);
  try {
    ControlClient client(daemon.socket());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_owned);
    EXPECT_THAT(error.message(), testing::HasSubstr("is another user's (uid 65534, not 0)"));
  }
}

TEST(ControlClient, AnswersTheResultThatBelongsToItsRequest) {
  ControlPeer peer([](ControlPeer::Connection& connection) {
    const json request = json::parse(connection.read_line());
    connection.write(control::make_notification("status", json::object()));
    connection.write(control::make_response(999, "somebody else's"));
    const std::string answer = control::make_response(request["id"], {{"echo", request["params"]}});
    connection.write(answer.substr(0, 10));  // a line may arrive in pieces
    connection.write(answer.substr(10));
  });
  ControlClient client(peer.socket());
  EXPECT_EQ(client.call("sync", {{"target", "web"}}, 5s), (json{{"echo", {{"target", "web"}}}}));
}

TEST(ControlClient, ThrowsTheDaemonsErrorAsItIs) {
  ControlPeer peer([](ControlPeer::Connection& connection) {
    const json request = json::parse(connection.read_line());
    connection.write(control::make_error(request["id"], Error(ErrorCode::not_found, "no target \"x\"", "see list")));
  });
  try {
    ControlClient(peer.socket()).call("sync", json::object(), 5s);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_EQ(error.message(), "no target \"x\"");
    EXPECT_EQ(error.remedy(), "see list");
  }
}

TEST(ControlClient, ADaemonThatHangsUpIsAnError) {
  ControlPeer peer([](ControlPeer::Connection& connection) { connection.read_line(); });
  EXPECT_EQ(code_of_call(peer.socket()), ErrorCode::daemon_unreachable);
}

TEST(ControlClient, ADaemonThatNeverAnswersIsATimeout) {
  ControlPeer peer(answer_nothing);
  EXPECT_EQ(code_of_call(peer.socket(), 50ms), ErrorCode::timeout);
}

TEST(ControlClient, WhatIsNoJsonRpcIsAProtocolError) {
  ControlPeer peer([](ControlPeer::Connection& connection) {
    connection.read_line();
    connection.write("hello\n");
  });
  EXPECT_EQ(code_of_call(peer.socket()), ErrorCode::protocol);
}

TEST(ControlClient, SubscribeGivesTheFirstReportAndEachChangeUntilToldToStop) {
  ControlPeer peer([](ControlPeer::Connection& connection) {
    StatusReport report;
    const json request = json::parse(connection.read_line());
    EXPECT_EQ(request["method"], "subscribe");
    for (report.pid = 1; report.pid <= 3; ++report.pid) {
      const json status = control::to_json(report);
      connection.write(report.pid == 1 ? control::make_response(request["id"], status)
                                       : control::make_notification("status", status));
    }
    connection.read_line();
  });
  std::vector<int> seen;
  ControlClient(peer.socket()).subscribe({}, 0ms, [&](const StatusReport& report) {
    seen.push_back(report.pid);
    return report.pid < 3;
  });
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3));
}

TEST(ControlClient, SubscribeRepeatsTheLastReportWhileNothingChanges) {
  ControlPeer peer(report_once);
  int calls = 0;
  ControlClient(peer.socket()).subscribe({}, 5ms, [&](const StatusReport&) { return ++calls < 3; });
  EXPECT_EQ(calls, 3);
}

TEST(ControlClient, ASubscriptionThatTheDaemonEndsThrowsItsError) {
  ControlPeer peer([](ControlPeer::Connection& connection) {
    const json request = json::parse(connection.read_line());
    connection.write(control::make_response(request["id"], control::to_json(StatusReport{})));
    connection.write(control::make_error(request["id"], Error(ErrorCode::not_found, "target \"web\" not found")));
    connection.read_line();
  });
  int calls = 0;
  try {
    ControlClient(peer.socket()).subscribe({}, 20ms, [&](const StatusReport&) { return ++calls < 50; });
    ADD_FAILURE() << "goes on with an old report";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

// SIGUSR1 gets a handler that does nothing. Returns what it had.
struct sigaction ignore_by_handler() {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, &before);
  return before;
}

// Interrupts the thread that made it, again and again.
class Interruptions {
 public:
  Interruptions() = default;
  ~Interruptions() {
    over_ = true;
    thread_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;
  Interruptions(Interruptions&&) = delete;
  Interruptions& operator=(Interruptions&&) = delete;

 private:
  struct sigaction before_ = ignore_by_handler();
  std::atomic<bool> over_ = false;
  std::thread thread_{[this, whom = ::pthread_self()] {
    while (!over_) {
      std::this_thread::sleep_for(5ms);
      ::pthread_kill(whom, SIGUSR1);
    }
  }};
};

TEST(ControlClient, ASignalEndsASubscriptionThatHasNoAnswerYetButNoCall) {
  ControlPeer peer([](ControlPeer::Connection& connection) {
    const json request = json::parse(connection.read_line());
    if (request["method"] != "subscribe") {
      std::this_thread::sleep_for(50ms);
      connection.write(control::make_response(request["id"], "done"));
    }
    connection.read_line();
  });
  const Interruptions interruptions;
  ControlClient(peer.socket()).subscribe({}, 0ms, [](const StatusReport&) {
    ADD_FAILURE() << "there is no report";
    return false;
  });
  EXPECT_EQ(ControlClient(peer.socket()).call("sync", json::object(), 5s), "done");
}

// Blocks SIGUSR1, which has a handler, but where something waits for it.
class Blocked {
 public:
  Blocked() {
    sigset_t it;
    sigemptyset(&it);
    sigaddset(&it, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &it, &mask_);
  }
  ~Blocked() {
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  Blocked(Blocked&&) = delete;
  Blocked& operator=(Blocked&&) = delete;

 private:
  struct sigaction before_ = ignore_by_handler();
  sigset_t mask_{};
};

TEST(ControlClient, ASignalJustBeforeAWaitForTheFirstReportEndsIt) {
  ControlPeer peer(answer_nothing);
  const Blocked blocked;
  ASSERT_EQ(std::raise(SIGUSR1), 0);
  ControlClient(peer.socket()).subscribe({}, 0ms, [](const StatusReport&) { return false; });
}

TEST(ControlClient, ASignalJustBeforeAWaitForAChangeEndsIt) {
  ControlPeer peer(report_once);
  const Blocked blocked;
  int calls = 0;
  ControlClient(peer.socket()).subscribe({}, 0ms, [&](const StatusReport&) {
    ++calls;
    return std::raise(SIGUSR1) == 0;
  });
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace regsync
