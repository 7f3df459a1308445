// Replicas that share the slots of a fleet. Each has an event loop of its own: one that is not run is a process that
// was stopped, or is gone.
#include "sync/fleet/replicas.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>
#include <list>
#include <set>
#include <thread>

#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

TEST(SlotOf, SpreadsClustersEvenlyAndMovesFewWhenThereAreMoreSlots) {
  constexpr int clusters = 4000;
  std::vector<int> sizes(8);
  int moved = 0;
  for (int i = 0; i < clusters; ++i) {
    const std::string server = "https://10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":6443";
    ++sizes.at(slot_of(server, 8));
    moved += slot_of(server, 8) == slot_of(server, 9) ? 0 : 1;
  }
  for (const int size : sizes) {
    EXPECT_NEAR(size, clusters / 8.0, clusters / 20.0);
  }
  EXPECT_NEAR(moved, clusters / 9.0, clusters / 20.0);
  EXPECT_EQ(slot_of("https://a", 1), 0U);
}

// Of a lease: shorter than a fleet's, and long enough for a machine that does other things as well.
constexpr auto duration = 2000ms;

class ReplicasTest : public testing::Test {
 protected:
  struct Replica {
    Replica(const kube::Kubeconfig& config, const std::string& name, std::size_t slots)
        : hub(io.get_executor(), config.resolve("hub")),
          replicas(io.get_executor(), hub,
                   {.lease = "regsync",
                    .slots = slots,
                    .name_space = "fleet",
                    .identity = name,
                    .times = {.duration = duration, .deadline = 1200ms, .retry = 150ms}},
                   [] {}) {}
    asio::io_context io;
    kube::KubeClient hub;
    Replicas replicas;
    bool runs = true;
  };

  ReplicasTest() { server_.make_namespace("fleet"); }
  void TearDown() override {
    for (auto& replica : replicas_) {
      test::run(replica.io, replica.replicas.stop());
    }
  }

  Replica& start(const std::string& name, std::size_t slots) { return replicas_.emplace_back(config_, name, slots); }

  // Runs all that run. No cluster is ever two replicas'.
  bool until(const std::function<bool()>& holds, std::chrono::milliseconds time = 30s) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!holds() && std::chrono::steady_clock::now() < end) {
      for (auto& replica : replicas_) {
        if (replica.runs) {
          replica.io.poll();
        }
      }
      for (const auto& server : servers_) {
        const auto owners = std::ranges::count_if(
            replicas_, [&](const auto& replica) { return replica.replicas.mine_since(server).has_value(); });
        EXPECT_LE(owners, 1) << server;
      }
      std::this_thread::sleep_for(2ms);
    }
    return holds();
  }

  test::FakeApiServer server_;
  test::TempDir root_;
  kube::Kubeconfig config_ = kube::Kubeconfig::load(root_.write("config", server_.kubeconfig({"hub"})));
  std::set<std::string> servers_{"https://a", "https://b", "https://c", "https://d", "https://e", "https://f"};
  std::list<Replica> replicas_;
};

TEST_F(ReplicasTest, OneThatComesLaterGetsItsShareAndAnotherThatIsStoppedLosesIt) {
  auto& a = start("a", 4);
  ASSERT_TRUE(until([&] { return a.replicas.held() == 4; }));
  EXPECT_EQ(a.replicas.role(a.replicas.held()), "leads 4 of 4 slots");
  auto& b = start("b", 4);
  ASSERT_TRUE(until([&] { return a.replicas.held() == 2 && b.replicas.held() == 2; }));
  auto& c = start("c", 4);
  const auto each_has_one = [&] {
    return std::ranges::all_of(replicas_, [](const auto& replica) { return replica.replicas.held() > 0; });
  };
  ASSERT_TRUE(until([&] { return each_has_one() && a.replicas.held() + b.replicas.held() + c.replicas.held() == 4; }));
  a.runs = false;
  EXPECT_TRUE(until([&] { return b.replicas.held() == 2 && c.replicas.held() == 2; }));
  a.runs = true;
  EXPECT_TRUE(until([&] { return a.replicas.held() > 0; }));
}

TEST_F(ReplicasTest, WhoHandsSlotsOverLeavesNoMoreOfThemThanTheOtherIsToHave) {
  auto& one = start("one", 8);
  ASSERT_TRUE(until([&] { return one.replicas.held() == 8; }));
  auto& two = start("two", 8);
  std::size_t fewest = 8;  // that somebody serves
  EXPECT_TRUE(until([&] {
    fewest = std::min(fewest, one.replicas.held() + two.replicas.held());
    return one.replicas.held() == 4 && two.replicas.held() == 4;
  }));
  EXPECT_GE(fewest, 7U) << "one is handed over after the other";
}

TEST_F(ReplicasTest, WithOneSlotTheOtherStandsByAndTakesItWhenItsTimeIsUp) {
  auto& a = start("a", 1);
  ASSERT_TRUE(until([&] { return a.replicas.role(a.replicas.held()) == "leads"; }));
  auto& b = start("b", 1);
  EXPECT_FALSE(until([&] { return b.replicas.held() > 0; }, duration + 500ms));
  EXPECT_EQ(b.replicas.role(b.replicas.held()), "stands by");
  EXPECT_NE(b.replicas.note(b.replicas.held()).value().message().find(" a holds the lease regsync"), std::string::npos);
  EXPECT_FALSE(a.replicas.note(a.replicas.held()));
  const auto begun = std::chrono::steady_clock::now();
  a.runs = false;
  EXPECT_TRUE(until([&] { return b.replicas.held() == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3 * duration) << "the lease's time, and not another wait";
}

TEST_F(ReplicasTest, ThatTheHubDoesNotAnswerAtTheEndCostsItsTimeOnceNotForEachSlot) {
  auto& a = start("a", 8);
  ASSERT_TRUE(until([&] { return a.replicas.held() == 8; }));
  server_.inject({.kind = test::Fault::Kind::half_open, .verb = "patch", .resource = "leases", .times = -1});
  const auto begun = std::chrono::steady_clock::now();
  test::run(a.io, a.replicas.stop());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 7s)
      << "it waits for a second or two, and not for each of the eight";
}

TEST_F(ReplicasTest, WhoStandsByOnlyWatches) {
  auto& a = start("a", 1);
  ASSERT_TRUE(until([&] { return a.replicas.held() == 1; }));
  auto& b = start("b", 1);
  ASSERT_TRUE(until(
      [&] { return b.replicas.note(b.replicas.held()).value().message().find(" a holds") != std::string::npos; }));
  ASSERT_TRUE(until([&] { return server_.count("watch") >= 2; })) << "both follow the leases";
  server_.forget_requests();
  until([] { return false; }, 1s);
  EXPECT_EQ(server_.count("get"), 0U);
  EXPECT_EQ(server_.count("list"), 0U);
  EXPECT_LE(server_.writes(), 12U) << "the renewals of the one that leads";
}

}  // namespace
}  // namespace regsync
