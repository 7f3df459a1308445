// Peers that say nothing any more, in the ways that a kernel can see and in those that it cannot.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "sync/kube/config/credentials.hpp"
#include "sync/kube/http/http_client.hpp"
#include "tests/integration/kube/real_server.hpp"
#include "tests/support/own_network.hpp"

namespace regsync::kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::run_until;

constexpr Patience patience{.silence = 1400ms, .quiet = 2800ms, .answer = 2000ms};  // a busy server is not a silent one

// Of a machine that does other things as well; without a patience a silent server is found out after 35 s or later.
constexpr auto slack = 10s;

TEST(Patience, EndsWithin45SecondsForWhoWaitsForAnAnswer) { EXPECT_LE(Patience().silence + Patience().answer, 45s); }

TEST(Patience, OutlastsTheMinuteBetweenTwoBookmarksButNotThree) {
  EXPECT_GE(Patience().quiet, 75s);
  EXPECT_LE(Patience().quiet + Patience().answer, 3min);
}

// Stops a process until it is destroyed or let go on.
class Frozen {
 public:
  explicit Frozen(pid_t pid) : pid_(pid) {
    ::kill(pid, SIGSTOP);
    while (!all_threads_stand()) {  // those on other processors run on for a moment
      std::this_thread::sleep_for(1ms);
    }
  }
  ~Frozen() { go_on(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  Frozen(Frozen&&) = delete;
  Frozen& operator=(Frozen&&) = delete;

  void go_on() const { ::kill(pid_, SIGCONT); }

 private:
  [[nodiscard]] bool all_threads_stand() const {
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid_) + "/task");
    return std::all_of(begin(threads), end(threads), [](const auto& thread) {
      std::ifstream file(thread.path() / "stat");
      const std::string stat{std::istreambuf_iterator<char>(file), {}};
      const auto end_of_name = stat.rfind(')');  // proc(5): "pid (comm) state …"
      return end_of_name == std::string::npos || stat.compare(end_of_name, 3, ") T") == 0;
    });
  }

  pid_t pid_;
};

class SilentPeer : public RealServer {
 protected:
  static void SetUpTestSuite() {
    own_network_ = test::enter_own_network();
    boot({.audit = true});
  }

  void SetUp() override {
    RealServer::SetUp();
    if (server_) {
      watch_with(patience);
    }
  }

  void watch_with(const Patience& of_client) {
    watching_.reset();
    known_.reset();
    client_ = std::make_unique<KubeClient>(
        admin_.clone(), std::make_unique<HttpClient>(loop_.get_executor(), endpoint_of(admin_), of_client));
    known_ = std::make_unique<Known>(*client_, name_space_);
    watching_ = std::make_unique<test::Background>(loop_, known_->run());
    ASSERT_TRUE(run_until(loop_, [&] { return known_->synced; }));
    let_pass(500ms);  // into the watch
  }

  // Whether the watcher says in time that the server cannot be reached.
  bool is_told_within(std::chrono::milliseconds limit) {
    return run_until(loop_, [&] { return known_->told(ErrorCode::unreachable); }, limit);
  }

  void expect_recovery() {
    kubectl({"-n", name_space_, "create", "secret", "generic", "after"});
    EXPECT_TRUE(run_until(loop_, [&] { return known_->has("after"); }, 60s));
    EXPECT_EQ(known_->restarts, 1) << "the watch goes on where it was";
  }

  // On their way in: that the sender's own queue drops them, the kernel would know (and not count its questions).
  static bool drop_all_packets(bool drop) { return test::iptables({drop ? "-A" : "-D", "INPUT", "-j", "DROP"}); }

  static bool own_network_;
  std::unique_ptr<KubeClient> client_;
  std::unique_ptr<Known> known_;
  std::unique_ptr<test::Background> watching_;
};

bool SilentPeer::own_network_ = false;

TEST_F(SilentPeer, AFrozenServerWhoseKernelStillAnswersIsFoundOut) {
  const Frozen frozen(server_->api_server());
  EXPECT_TRUE(is_told_within(patience.quiet + patience.answer + slack));
  frozen.go_on();
  expect_recovery();
}

// However long nobody would have asked for the watch's sake.
TEST_F(SilentPeer, WhoWaitsForAFrozenServersAnswerIsToldSooner) {
  watch_with({.silence = patience.silence, .quiet = 1h, .answer = patience.answer});
  const Frozen frozen(server_->api_server());
  const auto ask = [](KubeClient& client) -> asio::awaitable<void> { co_await client.version(); };
  const test::Background asking(loop_, ask(*client_));
  EXPECT_TRUE(run_until(loop_, [&] { return asking.done(); }, patience.silence + patience.answer + slack));
  ASSERT_TRUE(asking.failure());
  EXPECT_EQ(asking.failure()->code(), ErrorCode::unreachable);
  EXPECT_TRUE(is_told_within(slack)) << "the watch has the same peer";
  frozen.go_on();
}

TEST_F(SilentPeer, ARequestWhoseTimeIsUpFailsAloneAndSaysSo) {
  HttpClient client(loop_.get_executor(), endpoint_of(admin_));
  Credentials credentials(admin_.clone());
  const auto version = [&](std::chrono::milliseconds timeout) -> asio::awaitable<long> {
    HttpRequest request;
    request.target = "/version";
    request.timeout = timeout;
    request.proof = co_await credentials.current();
    const HttpResponse response = co_await client.send(request);
    co_return response.status;
  };
  const auto patient = [&]() -> asio::awaitable<void> { EXPECT_EQ(co_await version(30s), 200); };
  ASSERT_EQ(test::run(loop_, version(30s)), 200);
  const Frozen frozen(server_->api_server());
  const test::Background waiting(loop_, patient());
  const Error error = test::error_of(loop_, version(300ms));
  EXPECT_EQ(error.code(), ErrorCode::timeout);
  EXPECT_EQ(error.message(), "the answer did not come within 300 ms");
  EXPECT_FALSE(waiting.done());
  frozen.go_on();
  EXPECT_TRUE(run_until(loop_, [&] { return waiting.done(); }));
  EXPECT_FALSE(waiting.failure());
  EXPECT_EQ(test::run(loop_, version(30s)), 200);
}

// In real time, and with nobody but the kernel to find out.
TEST_F(SilentPeer, ANetworkThatDropsEverythingIsFoundOutWithin45Seconds) {
  if (!own_network_) {
    SKIP_OR_FAIL("no network namespace can be made here");
  }
  watch_with({});
  ASSERT_TRUE(drop_all_packets(true));
  EXPECT_TRUE(is_told_within(45s));
  ASSERT_TRUE(drop_all_packets(false));
  const std::vector<std::string> create{"-n", name_space_, "create", "secret", "generic", "before"};
  ASSERT_TRUE(run_until(
      loop_, [&] { return server_->kubectl(create).exit_code == 0; }, 60s))
      << "the server's connection to itself was dropped too";
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
  let_pass(3 * patience.quiet + 500ms);
  const int asked = questions() - before;
  EXPECT_GE(asked, 2);
  EXPECT_LE(asked, 4);
  EXPECT_EQ(known_->health.size(), 1U) << "it works, and nothing else was said";
  expect_recovery();
}

}  // namespace
}  // namespace regsync::kube
