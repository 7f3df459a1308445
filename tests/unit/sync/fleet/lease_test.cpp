#include "sync/fleet/lease.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <optional>
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
  std::optional<Lease::Time> told;  // since when it is held, as was told last
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

}  // namespace
}  // namespace regsync
