// A pod on a real node pulls a private image, before and after a rotation.
#include "tests/support/node.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/main_job.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class OnANode : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = missing_part()) {
      SKIP_OR_FAIL(*missing);
    }
    if (const auto obstacle = Node::obstacle()) {
      SKIP_OR_FAIL(*obstacle);
    }
  }

  void TearDown() override {
    if (HasFailure() && node_) {
      ADD_FAILURE() << node_->log();
    }
  }

  void log_in() {
    password_ = new_password();
    job_.set_registry_password(password_);  // the one before is revoked with it
    const auto login = job_.docker_login(password_);
    ASSERT_EQ(login.exit_code, 0) << login.out << login.err;
  }

  void make_pod(const std::string& name_space, const std::string& name, const json& pull_secrets) {
    const json pod{
        {"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata", {{"name", name}, {"namespace", name_space}}},
        {"spec",
         {{"nodeName", node_->name()},
          {"hostNetwork", true},
          {"automountServiceAccountToken", false},
          {"terminationGracePeriodSeconds", 1},
          {"imagePullSecrets", pull_secrets},
          {"containers",
           {{{"name", "app"}, {"image", job_.registry() + "/team/app:1"}, {"imagePullPolicy", "Always"}}}}}}};
    const auto made = kube("a").kubectl({"create", "--filename=-"}, pod.dump());
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  static json pod_status(const std::string& name_space, const std::string& name) {
    return kube("a").get({"pod", name, "--namespace", name_space}).value("status", json::object());
  }

  static bool runs(const std::string& name_space, const std::string& name) {
    return pod_status(name_space, name).value("phase", "") == "Running";
  }

  // Why its container waits; empty if it does not.
  static std::string waiting(const std::string& name_space, const std::string& name) {
    const json containers = pod_status(name_space, name).value("containerStatuses", json::array());
    return containers.empty() ? "" : containers.at(0).value("/state/waiting/reason"_json_pointer, "");
  }

  Job job_;
  std::optional<Node> node_;
  std::string password_;
};

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
