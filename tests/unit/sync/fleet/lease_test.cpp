#include "sync/fleet/lease.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>

#include "tests/support/fake_kube.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

kube::ResolvedContext hub_context() {
  kube::ResolvedContext context;
  context.name = "hub";
  context.server = "https://hub.example";
  return context;
}

// A process may stand still between the answer to a renewal and what it makes of it. What it held is over then, and
// what it holds now is new: others may have written in between, for all it knows.
TEST(LeaseOfAFrozenHolder, ThatIsHeldAnewIsTold) {
  asio::io_context loop;
  test::FakeKube kube(loop.get_executor());
  kube.make_namespace("fleet");
  kube::KubeClient hub(hub_context(), kube.transport.connect());
  std::optional<Lease> lease;
  std::optional<BoottimeClock::time_point> told;  // since when it is held, as was told last
  lease.emplace(
      loop.get_executor(), hub,
      LeaseOptions{.name = "regsync",
                   .name_space = "fleet",
                   .identity = "a",
                   .times = {.duration = 100ms, .deadline = 50ms, .retry = 20ms, .jitter = 1ms}},
      Lease::Handlers{.intent = [](const Lease&) { return Lease::Intent::hold; },
                      .on_change = [&] { told = lease->held() ? std::optional(lease->held_since()) : std::nullopt; }});
  ASSERT_TRUE(test::run_until(loop, [&] { return lease->held(); }));
  int renewals = 0;
  kube.forbids = [&](const test::ApiRequest& request) {
    if (request.verb == "patch" && ++renewals == 2) {
      std::this_thread::sleep_for(35ms);  // the one before holds for 30 ms more at most, this one for 50
    }
    return false;
  };
  const auto before = lease->held_since();
  // While it is held, which on a busy machine may be over right after this.
  EXPECT_TRUE(test::run_until(
      loop, [&] { return lease->held() && lease->held_since() != before && told == lease->held_since(); }));
  test::run(loop, lease->stop());
}

class LeaseAfterADefect : public testing::Test {
 protected:
  LeaseAfterADefect() { kube_.make_namespace("fleet"); }
  void TearDown() override { test::run(loop_, lease_->stop()); }

  void start(std::function<Lease::Intent(const Lease&)> intent) {
    lease_.emplace(
        loop_.get_executor(), hub_,
        LeaseOptions{
            .name = "regsync", .name_space = "fleet", .identity = "a", .times = {.retry = 10ms, .jitter = 1ms}},
        Lease::Handlers{.intent = std::move(intent), .on_change = [] {}});
  }
  bool until(const std::function<bool()>& holds) { return test::run_until(loop_, holds); }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  kube::KubeClient hub_{hub_context(), kube_.transport.connect()};
  std::optional<Lease> lease_;
};

TEST_F(LeaseAfterADefect, IsContendedForAndSaysWhatHappened) {
  bool fails = true;
  start([&](const Lease&) {
    if (fails) {
      throw std::runtime_error("a defect");
    }
    return Lease::Intent::hold;
  });
  ASSERT_TRUE(until([&] { return lease_->problem().has_value(); }));
  EXPECT_EQ(lease_->problem()->code(), ErrorCode::internal);
  fails = false;
  EXPECT_TRUE(until([&] { return lease_->held() && !lease_->problem(); }));
}

TEST_F(LeaseAfterADefect, IsNotRequestedByWhoseRequestFailed) {
  kube_.put({"leases", "fleet", "regsync"}, {{"spec", {{"holderIdentity", "b"}, {"leaseDurationSeconds", 60}}}});
  const std::string lease = "/apis/coordination.k8s.io/v1/namespaces/fleet/leases/regsync";
  kube_.transport.on("PATCH", lease,
                     [](const kube::HttpRequest&) -> kube::HttpResponse { throw std::runtime_error("a defect"); });
  start([](const Lease&) { return Lease::Intent::request; });
  ASSERT_TRUE(until([&] { return lease_->problem().has_value(); }));
  EXPECT_EQ(lease_->requested_by(), "");
  kube_.transport.forget_scripts("PATCH", lease);
  EXPECT_TRUE(until([&] { return lease_->requested_by() == "a" && !lease_->problem(); }));
}

}  // namespace
}  // namespace regsync
