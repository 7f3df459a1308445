// Replicas that contend for a Lease, with shorter times than a fleet's.
#include "sync/fleet/lease.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class LeaseTest : public testing::Test {
 protected:
  struct Replica {
    Replica(asio::io_context& io, const kube::Kubeconfig& config, const std::string& name, const LeaseTimes& times)
        : hub(io.get_executor(), config.resolve("hub")),
          lease(io.get_executor(), hub, {.name = "regsync", .name_space = "fleet", .identity = name, .times = times},
                {.intent = [](const Lease&) { return Lease::Intent::hold; }, .on_change = [] {}}) {}
    kube::KubeClient hub;
    Lease lease;
  };

  static constexpr LeaseTimes short_times{.duration = 3000ms, .deadline = 2000ms, .retry = 200ms};
  // No time is up within a test, however busy the machine is.
  static constexpr LeaseTimes endless{.duration = 600s, .deadline = 500s, .retry = 200ms};

  LeaseTest() { server_.make_namespace("fleet"); }

  std::unique_ptr<Replica> replica(const std::string& name, const LeaseTimes& times = short_times) {
    return std::make_unique<Replica>(io_, config_, name, times);
  }
  bool until(const std::function<bool()>& holds) { return test::run_until(io_, holds); }
  // "a" holds it, and "b" knows that.
  std::pair<std::unique_ptr<Replica>, std::unique_ptr<Replica>> holder_and_standby(
      const LeaseTimes& times = short_times) {
    auto a = replica("a", times);
    EXPECT_TRUE(until([&] { return a->lease.held(); }));
    auto b = replica("b", times);
    EXPECT_TRUE(until([&] { return b->lease.holder() == "a"; }));
    return {std::move(a), std::move(b)};
  }
  void stop(Replica& replica) { test::run(io_, replica.lease.stop()); }
  json spec() const { return server_.find({"leases", "fleet", "regsync"}).value().at("spec"); }

  test::FakeApiServer server_;
  test::TempDir root_;
  kube::Kubeconfig config_ = kube::Kubeconfig::load(root_.write("config", server_.kubeconfig({"hub"})));
  asio::io_context io_;
};

TEST_F(LeaseTest, OneOfTwoHoldsItAndHandsItOver) {
  const auto [a, b] = holder_and_standby();
  EXPECT_FALSE(b->lease.held());
  EXPECT_EQ(spec().at("holderIdentity"), "a");
  EXPECT_EQ(spec().at("leaseDurationSeconds"), 3);
  const auto renewed = spec().at("renewTime");
  EXPECT_TRUE(until([&] { return spec().at("renewTime") != renewed; }));
  stop(*a);
  EXPECT_FALSE(a->lease.held());
  EXPECT_NE(spec().at("holderIdentity"), "a") << "it is given back, so nobody waits for its end";
  EXPECT_TRUE(until([&] { return b->lease.held(); }));
  EXPECT_EQ(spec().at("holderIdentity"), "b");
  EXPECT_EQ(spec().at("leaseTransitions"), 1);
  stop(*b);
}

TEST_F(LeaseTest, OfManyThatBeginTogetherOneHoldsIt) {
  std::vector<std::unique_ptr<Replica>> replicas;
  for (const char* name : {"a", "b", "c", "d"}) {
    replicas.push_back(replica(name, endless));
  }
  const auto holders = [&] {
    return std::ranges::count_if(replicas, [](const auto& one) { return one->lease.held(); });
  };
  bool two = false;
  EXPECT_TRUE(until([&] {
    two = two || holders() > 1;
    return holders() == 1;
  }));
  const auto end = std::chrono::steady_clock::now() + 2s;
  EXPECT_TRUE(until([&] {
    two = two || holders() != 1;
    return std::chrono::steady_clock::now() > end;
  }));
  EXPECT_FALSE(two);
  for (auto& one : replicas) {
    stop(*one);
  }
}

TEST_F(LeaseTest, AHolderThatCannotRenewGivesUpBeforeAnotherMayTakeIt) {
  const auto [a, b] = holder_and_standby();
  // No renewal of either arrives any more.
  server_.inject(
      {.kind = test::Fault::Kind::status, .verb = "patch", .resource = "leases", .times = -1, .status = 500});
  EXPECT_TRUE(until([&] { return !a->lease.held(); }));
  EXPECT_FALSE(b->lease.held());
  EXPECT_TRUE(until([&] { return a->lease.problem().has_value(); }));
  server_.clear_faults();
  EXPECT_TRUE(until([&] { return a->lease.held() != b->lease.held(); }));
  stop(*a);
  stop(*b);
}

// As after SIGSTOP: the holder's loop did not run, and no timer of it fired.
TEST_F(LeaseTest, AHolderThatWasFrozenKnowsThatItHoldsNothingMore) {
  auto a = replica("a");
  ASSERT_TRUE(until([&] { return a->lease.held(); }));
  std::this_thread::sleep_for(2100ms);
  EXPECT_FALSE(a->lease.held());
  stop(*a);
}

TEST_F(LeaseTest, AnOddLeaseIsTakenWhenItStaysAsItIs) {
  server_.put({"leases", "fleet", "regsync"}, {{"apiVersion", "coordination.k8s.io/v1"},
                                               {"kind", "Lease"},
                                               {"metadata", {{"name", "regsync"}, {"namespace", "fleet"}}},
                                               {"spec",
                                                {{"holderIdentity", "somebody"},
                                                 {"leaseDurationSeconds", "soon"},
                                                 {"renewTime", 3},
                                                 {"leaseTransitions", nullptr}}}});
  auto a = replica("a");
  EXPECT_TRUE(until([&] { return a->lease.held(); }));
  stop(*a);
}

// As by `kubectl edit`: the other one writes as soon as it sees that.
TEST_F(LeaseTest, AHolderStopsWhenItSeesThatAnotherHasIt) {
  for (const char* thief : {"thief", ""}) {
    auto a = replica("a", endless);
    ASSERT_TRUE(until([&] { return a->lease.held(); }));
    auto stolen = server_.find({"leases", "fleet", "regsync"}).value();
    stolen["spec"]["holderIdentity"] = thief;
    server_.inject(
        {.kind = test::Fault::Kind::status, .verb = "patch", .resource = "leases", .times = -1, .status = 500});
    server_.put({"leases", "fleet", "regsync"}, stolen);
    EXPECT_TRUE(until([&] { return !a->lease.held(); })) << thief;
    server_.clear_faults();
    stop(*a);
    server_.erase({"leases", "fleet", "regsync"});
  }
}

TEST_F(LeaseTest, OneThatIsDeletedIsMadeAgainByItsHolder) {
  const auto [a, b] = holder_and_standby(endless);
  for (int round = 0; round < 5; ++round) {
    server_.erase({"leases", "fleet", "regsync"});
    EXPECT_TRUE(until([&] {
      EXPECT_TRUE(a->lease.held());
      EXPECT_FALSE(b->lease.held());
      return server_.find({"leases", "fleet", "regsync"}).has_value();
    }));
    EXPECT_EQ(spec().at("holderIdentity"), "a");
  }
  stop(*b);
  stop(*a);
}

TEST_F(LeaseTest, OneThatIsDeletedIsTakenWhenTheTimeOfItsDeadHolderIsUp) {
  server_.put({"leases", "fleet", "regsync"},
              {{"apiVersion", "coordination.k8s.io/v1"},
               {"kind", "Lease"},
               {"metadata", {{"name", "regsync"}, {"namespace", "fleet"}}},
               {"spec", {{"holderIdentity", "dead"}, {"leaseDurationSeconds", 3}, {"leaseTransitions", 4}}}});
  auto b = replica("b");
  ASSERT_TRUE(until([&] { return b->lease.holder() == "dead"; }));
  const auto begin = std::chrono::steady_clock::now();
  server_.erase({"leases", "fleet", "regsync"});
  EXPECT_TRUE(until([&] { return b->lease.held(); }));
  EXPECT_GT(std::chrono::steady_clock::now() - begin, 2s);
  stop(*b);
}

TEST_F(LeaseTest, AShorterTimeThatSomebodyWroteInItIsNotTheHolders) {
  const auto [a, b] = holder_and_standby();
  server_.inject(
      {.kind = test::Fault::Kind::status, .verb = "patch", .resource = "leases", .times = -1, .status = 500});
  auto shorter = server_.find({"leases", "fleet", "regsync"}).value();
  shorter["spec"]["leaseDurationSeconds"] = 1;
  server_.put({"leases", "fleet", "regsync"}, shorter);
  EXPECT_TRUE(until([&] {
    EXPECT_EQ(b->lease.holder(), "a");
    return !a->lease.held();
  }));
  server_.clear_faults();
  stop(*a);
  stop(*b);
}

// A replica that hears of nothing must not look well because it renews.
TEST_F(LeaseTest, AWatchThatFailsIsShownAlsoWhileItIsRenewed) {
  auto a = replica("a", endless);
  ASSERT_TRUE(until([&] { return a->lease.held(); }));
  server_.deny("watch", "leases");
  server_.deny("list", "leases");  // one that is answered ends the problem until the next watch is denied
  server_.cut_watches();
  const auto is_denied = [&] { return a->lease.problem() && a->lease.problem()->code() == ErrorCode::forbidden; };
  ASSERT_TRUE(until(is_denied));
  for (int i = 0; i < 2; ++i) {  // the answer to the first one was seen when the second one is made
    const auto renewed = spec().at("renewTime");
    EXPECT_TRUE(until([&] { return spec().at("renewTime") != renewed; }));
  }
  EXPECT_TRUE(is_denied());
  stop(*a);
}

}  // namespace
}  // namespace regsync
