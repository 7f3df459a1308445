// Pods on a real node that pull from a real registry: what the tests of it share.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/e2e/main_job.hpp"
#include "tests/support/node.hpp"

namespace regsync::test {

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

  void make_pod(const std::string& name_space, const std::string& name, const nlohmann::json& pull_secrets,
                const std::string& image = {}, const nlohmann::json& metadata = nlohmann::json::object(),
                const std::string& policy = "Always") {
    nlohmann::json pod{{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"metadata", {{"name", name}, {"namespace", name_space}}},
                       {"spec",
                        {{"nodeName", node_->name()},
                         {"hostNetwork", true},
                         {"automountServiceAccountToken", false},
                         {"terminationGracePeriodSeconds", 1},
                         {"imagePullSecrets", pull_secrets},
                         {"containers",
                          {{{"name", "app"},
                            {"image", image.empty() ? job_.registry() + "/team/app:1" : image},
                            {"imagePullPolicy", policy}}}}}}};
    pod["metadata"].update(metadata);
    const auto made = kube("a").kubectl({"create", "--filename=-"}, pod.dump());
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  // Of a pod that its controller makes anew when it is evicted.
  static nlohmann::json metadata_of_a_replica_set() {
    return {{"ownerReferences",
             {{{"apiVersion", "apps/v1"},
               {"kind", "ReplicaSet"},
               {"name", "app"},
               {"uid", "00000000-0000-4000-8000-000000000001"},
               {"controller", true}}}}};
  }

  static nlohmann::json pod_status(const std::string& name_space, const std::string& name) {
    return kube("a").get({"pod", name, "--namespace", name_space}).value("status", nlohmann::json::object());
  }

  static bool runs(const std::string& name_space, const std::string& name) {
    return pod_status(name_space, name).value("phase", "") == "Running";
  }

  // Why its container waits; empty if it does not.
  static std::string waiting(const std::string& name_space, const std::string& name) {
    const nlohmann::json containers = pod_status(name_space, name).value("containerStatuses", nlohmann::json::array());
    return containers.empty() ? "" : containers.at(0).value(nlohmann::json::json_pointer("/state/waiting/reason"), "");
  }

  Job job_;
  std::optional<Node> node_;
  std::string password_;
};

}  // namespace regsync::test
