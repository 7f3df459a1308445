// A pod on a real node pulls a private image, before and after a rotation.
#include "tests/e2e/on_a_node.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST_F(OnANode, APodPullsAndStillDoesAfterTheOldPasswordIsRevoked) {
  node_.emplace(kube("a"));
  log_in();
  job_.push("team/app:1", node_->image());
  job_.use_both_clusters();
  job_.start_daemon();
  const std::string team = job_.make_namespace("on-a-node");
  ASSERT_EQ(kube("a").kubectl({"create", "serviceaccount", "default", "--namespace", team}).exit_code, 0);
  const auto added =
      job_.regsync({"add", "myregcred", "--registry", job_.registry(), "--context", "a", "-n", team, "--wait"});
  ASSERT_EQ(added.exit_code, 0) << added.out << added.err;

  make_pod(team, "without", json::array());
  make_pod(team, "first", {{{"name", "myregcred"}}});
  EXPECT_TRUE(wait_until([&] { return runs(team, "first"); }, 2min)) << pod_status(team, "first").dump(2);
  EXPECT_TRUE(wait_until(
      [&] { return waiting(team, "without").ends_with("Pull") || waiting(team, "without").ends_with("BackOff"); },
      2min))
      << pod_status(team, "without").dump(2);

  const std::string old_password = password_;
  log_in();
  EXPECT_NE(job_.docker_login(old_password).exit_code, 0) << "the old password is still good";
  ASSERT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); }, 20s));
  make_pod(team, "second", {{{"name", "myregcred"}}});
  EXPECT_TRUE(wait_until([&] { return runs(team, "second"); }, 2min)) << pod_status(team, "second").dump(2);
}

}  // namespace
}  // namespace regsync::test
