#include "sync/control/control_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "helper/base/error.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/control/messages.hpp"
#include "tests/support/control_peer.hpp"
#include "tests/support/temp_dir.hpp"

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
  ControlPeer peer([](ControlPeer::Connection& connection) {
    connection.read_line();
    connection.read_line();  // until the client goes
  });
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
  ControlPeer peer([](ControlPeer::Connection& connection) {
    const json request = json::parse(connection.read_line());
    connection.write(control::make_response(request["id"], control::to_json(StatusReport{})));
    connection.read_line();
  });
  int calls = 0;
  ControlClient(peer.socket()).subscribe({}, 5ms, [&](const StatusReport&) { return ++calls < 3; });
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace regsync
