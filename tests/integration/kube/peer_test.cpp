// Peers that say nothing any more, in the ways that a kernel can see and in those that it cannot.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/kube/real_server.hpp"

namespace regsync::kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::run_until;

constexpr Patience patience{.silence = 2100ms, .answer = 700ms};

TEST(Patience, EndsWithin45Seconds) { EXPECT_LE(Patience().silence + Patience().answer, 45s); }

// A network of this process's own, so that its packets can be dropped; what it starts from then on lives in it too.
bool enter_own_network() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return false;
  }
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << uid << " " << uid << " 1";
  std::ofstream("/proc/self/gid_map") << gid << " " << gid << " 1";
  return test::run_program({.argv = {"ip", "link", "set", "lo", "up"}, .env = test::own_environment(), .in = {}})
             .exit_code == 0;
}

class SilentPeer : public RealServer {
 protected:
  static void SetUpTestSuite() {
    own_network_ = enter_own_network();
    boot({.audit = true});
  }

  void SetUp() override {
    RealServer::SetUp();
    if (!server_) {
      return;
    }
    client_ =
        std::make_unique<KubeClient>(loop_.get_executor(), admin_.clone(),
                                     std::make_unique<HttpClient>(loop_.get_executor(), endpoint_of(admin_), patience));
    known_ = std::make_unique<Known>(*client_, name_space_);
    watching_ = std::make_unique<test::Background>(loop_, known_->run());
    ASSERT_TRUE(run_until(loop_, [&] { return known_->synced; }));
    let_pass(500ms);  // into the watch
  }

  // Whether the watcher says, not much later than it promises, that the server cannot be reached.
  bool is_told_in_time() {
    return run_until(
        loop_, [&] { return known_->told(ErrorCode::unreachable); }, patience.silence + patience.answer + 1s);
  }

  void expect_recovery() {
    kubectl({"-n", name_space_, "create", "secret", "generic", "after"});
    EXPECT_TRUE(run_until(
        loop_, [&] { return known_->has("after"); }, 60s));
    EXPECT_EQ(known_->restarts, 1) << "the watch goes on where it was";
  }

  static bool drop_all_packets(bool drop) {
    const std::vector<std::string> argv =
        drop ? std::vector<std::string>{"tc", "qdisc", "replace", "dev", "lo", "root", "pfifo", "limit", "0"}
             : std::vector<std::string>{"tc", "qdisc", "delete", "dev", "lo", "root"};
    return test::run_program({.argv = argv, .env = test::own_environment(), .in = {}}).exit_code == 0;
  }

  static bool own_network_;
  std::unique_ptr<KubeClient> client_;
  std::unique_ptr<Known> known_;
  std::unique_ptr<test::Background> watching_;
};

bool SilentPeer::own_network_ = false;

TEST_F(SilentPeer, AFrozenServerWhoseKernelStillAnswersIsFoundOut) {
  ::kill(server_->api_server(), SIGSTOP);
  EXPECT_TRUE(is_told_in_time());
  ::kill(server_->api_server(), SIGCONT);
  expect_recovery();
}

TEST_F(SilentPeer, ARequestToAFrozenServerEndsToo) {
  ::kill(server_->api_server(), SIGSTOP);
  const auto ask = [](KubeClient& client) -> asio::awaitable<void> { co_await client.version(); };
  const test::Background asking(loop_, ask(*client_));
  EXPECT_TRUE(run_until(
      loop_, [&] { return asking.done(); }, patience.silence + patience.answer + 1s));
  ::kill(server_->api_server(), SIGCONT);
  ASSERT_TRUE(asking.failure());
  EXPECT_EQ(asking.failure()->code(), ErrorCode::unreachable);
}

TEST_F(SilentPeer, ANetworkThatDropsEverythingIsFoundOut) {
  if (!own_network_) {
    SKIP_OR_FAIL("no network namespace can be made here");
  }
  ASSERT_TRUE(drop_all_packets(true));
  EXPECT_TRUE(is_told_in_time());
  ASSERT_TRUE(drop_all_packets(false));
  expect_recovery();
}

// Nobody but the client asks for /version: its questions can be counted.
TEST_F(SilentPeer, AQuietServerIsAskedOnceInASilenceAndKept) {
  const auto questions = [] {
    int count = 0;
    for (const json& event : server_->audit()) {
      count += event.at("requestURI") == "/version" && event.at("user").at("username") == "admin" ? 1 : 0;
    }
    return count;
  };
  const int before = questions();
  let_pass(3 * patience.silence + 500ms);
  const int asked = questions() - before;
  EXPECT_GE(asked, 2);
  EXPECT_LE(asked, 4);
  EXPECT_EQ(known_->health.size(), 1U) << "it works, and nothing else was said";
  expect_recovery();
}

}  // namespace
}  // namespace regsync::kube
