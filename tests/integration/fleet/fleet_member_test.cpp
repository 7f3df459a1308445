// One replica's part in a fleet, on a hub whose Leases a test writes as another replica would.
#include "sync/fleet/fleet_member.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* server = "https://cluster";

class FleetMemberTest : public testing::Test {
 protected:
  FleetMemberTest() { hub_.make_namespace("default"); }
  void TearDown() override {
    if (member_) {
      test::run(io_, member_->stop());
    }
  }

  void start(std::size_t slots = 1) {
    member_.emplace(io_.get_executor(), config_.resolve("hub"),
                    FleetMemberOptions{.owner = "fleet",
                                       .lease = "regsync",
                                       .slots = slots,
                                       .times = {.duration = 3000ms, .deadline = 2000ms, .retry = 100ms}},
                    FleetMember::Handlers{.may_remember = [](const std::string&) { return true; },
                                          .on_share = [this] { ++shares_; },
                                          .on_footprints = [] {},
                                          .on_change = [this] { ++changes_; }});
    member_->start();
  }
  // An empty holder: it was given back.
  void put_lease(const std::string& holder, const std::string& name = "regsync") {
    hub_.put({"leases", "default", name},
             {{"apiVersion", "coordination.k8s.io/v1"},
              {"kind", "Lease"},
              {"metadata", {{"name", name}, {"namespace", "default"}}},
              {"spec", {{"holderIdentity", holder}, {"leaseDurationSeconds", holder.empty() ? 1 : 60}}}});
  }
  bool until(const std::function<bool()>& holds) { return test::run_until(io_, holds); }

  test::FakeApiServer hub_;
  test::TempDir root_;
  kube::Kubeconfig config_ = kube::Kubeconfig::load(root_.write("config", hub_.kubeconfig({"hub"})));
  asio::io_context io_;
  int shares_ = 0;
  int changes_ = 0;
  std::optional<FleetMember> member_;
};

TEST_F(FleetMemberTest, OneThatTookTheLeaseAndCannotReadTheFootprintsTakesOverAndDoesNotLead) {
  put_lease("other");
  start();
  ASSERT_TRUE(until([&] { return member_->waits_for().empty(); }));
  EXPECT_EQ(member_->role(), "stands by");
  hub_.inject(
      {.kind = test::Fault::Kind::status, .verb = "list", .resource = "configmaps", .times = -1, .status = 403});
  put_lease("");
  ASSERT_TRUE(until([&] { return !member_->stands_by() && member_->problem(); }));
  EXPECT_EQ(member_->role(), "takes over");
  EXPECT_EQ(member_->slots_held(), 0U);
  EXPECT_THAT(member_->waits_for(), ElementsAre(HasSubstr("footprints")));
  EXPECT_THAT(member_->problem().value().message(), HasSubstr("footprints"));
  EXPECT_FALSE(member_->serves(server));
  hub_.clear_faults();
  member_->end_pause();
  EXPECT_TRUE(until([&] { return member_->serves(server); }));
  EXPECT_EQ(member_->role(), "leads");
  EXPECT_EQ(member_->slots_held(), 1U);
  EXPECT_TRUE(member_->waits_for().empty());
  EXPECT_FALSE(member_->problem());
}

// To share the clusters anew costs all of them a comparison.
TEST_F(FleetMemberTest, WhoElseHoldsALeaseDoesNotShareTheClustersAnew) {
  put_lease("other");
  start();
  ASSERT_TRUE(until([&] { return member_->waits_for().empty(); }));
  const int shares = shares_;
  const int changes = changes_;
  put_lease("another");
  ASSERT_TRUE(until([&] { return changes_ > changes; }));
  EXPECT_THAT(member_->note().value().message(), HasSubstr("another holds"));
  EXPECT_EQ(shares_, shares);
  put_lease("");
  EXPECT_TRUE(until([&] { return member_->serves(server); }));
  EXPECT_GT(shares_, shares);
}

TEST_F(FleetMemberTest, SlotsThatAreTakenTogetherNeedFewListsOfTheFootprints) {
  constexpr std::size_t slots = 8;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    put_lease("other", "regsync-" + std::to_string(slot));
  }
  start(slots);
  ASSERT_TRUE(until([&] { return member_->waits_for().empty(); }));
  hub_.forget_requests();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    put_lease("", "regsync-" + std::to_string(slot));
  }
  ASSERT_TRUE(until([&] { return member_->slots_held() == slots; }));
  EXPECT_LT(hub_.count("list", "configmaps"), slots);
}

}  // namespace
}  // namespace regsync
