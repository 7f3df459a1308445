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

// The test is the controller: nothing else makes pods anew here. `alone` has none, and waits for its kubelet.
TEST_F(OnANode, APodThatWaitedForItsSecretIsEvictedAndTheNewOneRuns) {
  node_.emplace(kube("a"));
  log_in();
  job_.push("team/app:1", node_->image());
  job_.use_both_clusters();
  job_.start_daemon();
  const std::string team = job_.make_namespace("heal");
  ASSERT_EQ(kube("a").kubectl({"create", "serviceaccount", "default", "--namespace", team}).exit_code, 0);
  const json secret{{{"name", "myregcred"}}};
  const json owned = metadata_of_a_replica_set();
  const std::string elsewhere = "127.0.0.1:1/team/app:1";
  make_pod(team, "app-1", secret, {}, owned);
  make_pod(team, "alone", secret);
  make_pod(team, "elsewhere", secret, elsewhere, owned);
  for (const char* pod : {"app-1", "alone", "elsewhere"}) {
    ASSERT_TRUE(wait_until([&] { return waiting(team, pod) == "ImagePullBackOff"; }, 2min)) << pod;
  }
  const auto added = job_.regsync(
      {"add", "myregcred", "--registry", job_.registry(), "--context", "a", "-n", team, "--heal", "--wait"});
  ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  // A kubelet takes its time until the object is gone.
  const auto stays = [&](const std::string& pod) {
    const auto found = kube("a").kubectl({"get", "pod", pod, "--namespace", team, "--ignore-not-found",
                                          "--output=jsonpath={.metadata.name}{.metadata.deletionTimestamp}"});
    return found.out == pod;
  };
  EXPECT_TRUE(wait_until([&] { return !stays("app-1"); })) << job_.regsync({"history", "myregcred"}).out;
  make_pod(team, "app-2", secret, {}, owned);
  EXPECT_TRUE(wait_until([&] { return runs(team, "app-2"); }, 2min)) << pod_status(team, "app-2").dump(2);
  EXPECT_TRUE(stays("alone"));
  EXPECT_TRUE(stays("elsewhere")) << "the Secret has no entry for its image";
  const std::string history = job_.regsync({"history", "myregcred"}).out;
  EXPECT_NE(history.find("app-1"), std::string::npos) << history;
  EXPECT_EQ(history.find("elsewhere"), std::string::npos) << history;
}

}  // namespace
}  // namespace regsync::test
