#include "sync/model/pod.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace regsync {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

json waiting(const std::string& name, const std::string& reason) {
  return {{"name", name}, {"state", {{"waiting", {{"reason", reason}, {"message", "said"}}}}}};
}

json pod(json spec, json status) {
  return {{"metadata", {{"name", "app"}, {"namespace", "team-a"}, {"uid", "u"}}},
          {"spec", std::move(spec)},
          {"status", std::move(status)}};
}

TEST(Pod, ManyContainersTakeTimeThatGrowsWithTheirNumber) {
  json containers = json::array();
  json statuses = json::array();
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "c" + std::to_string(i);
    containers.push_back({{"name", name}, {"image", "image-" + name}});
    statuses.push_back(waiting(name, "ErrImagePull"));
  }
  const json many = pod({{"containers", containers}}, {{"containerStatuses", statuses}});
  const auto begin = std::chrono::steady_clock::now();
  const auto read = read_pod(many);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  ASSERT_EQ(read.value().failures.size(), 20'000U);
  EXPECT_EQ(read->failures.back().image, "image-c19999");
}

TEST(Pod, ContainersOfEveryKindThatWaitForTheirImageFail) {
  const auto read =
      read_pod(pod({{"initContainers", {{{"name", "init"}, {"image", "a"}}}},
                    {"containers", {{{"name", "app"}, {"image", "b"}}, {{"name", "ok"}, {"image", "c"}}}},
                    {"ephemeralContainers", {{{"name", "debug"}, {"image", "d"}}}}},
                   {{"initContainerStatuses", {waiting("init", "ErrImagePull")}},
                    {"containerStatuses", {waiting("app", "ImagePullBackOff"), waiting("ok", "ContainerCreating")}},
                    {"ephemeralContainerStatuses", {waiting("debug", "InvalidImageName")}}}));
  ASSERT_TRUE(read);
  ASSERT_THAT(read->failures, SizeIs(3));
  EXPECT_EQ(read->failures[0].container, "init");
  EXPECT_EQ(read->failures[1].image, "b");
  EXPECT_EQ(read->failures[1].reason, "ImagePullBackOff");
  EXPECT_EQ(read->failures[1].message, "said");
  EXPECT_EQ(read->failures[2].image, "d");
  EXPECT_FALSE(read->started);
}

TEST(Pod, SecretsAccountAndControllerAreRead) {
  json object = pod({{"imagePullSecrets", {{{"name", "b"}}, {{"name", ""}}, {{"name", "a"}}, json::object()}}},
                    {{"containerStatuses", {{{"name", "x"}, {"lastState", {{"terminated", json::object()}}}}}}});
  object["metadata"]["ownerReferences"] = {{{"kind", "Job"}, {"name", "no"}},
                                           {{"kind", "ReplicaSet"}, {"name", "app-1"}, {"controller", true}}};
  const auto read = read_pod(object);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->pull_secrets, ElementsAre("b", "a"));
  EXPECT_EQ(read->service_account, "default");
  EXPECT_EQ(read->controller, "ReplicaSet/app-1");
  EXPECT_TRUE(read->started);
}

// A Deployment undoes whatever else is changed in its ReplicaSets.
TEST(Pod, TheControllerOfADeploymentsPodIsTheDeployment) {
  json object = pod(json::object(), json::object());
  const auto controller = [&](const std::string& kind, const std::string& name, const json& labels) {
    object["metadata"]["labels"] = labels;
    object["metadata"]["ownerReferences"] = {{{"kind", kind}, {"name", name}, {"controller", true}}};
    return read_pod(object).value().controller;
  };
  EXPECT_EQ(controller("ReplicaSet", "my-app-7d4b9", {{"pod-template-hash", "7d4b9"}}), "Deployment/my-app");
  EXPECT_EQ(controller("ReplicaSet", "my-app-7d4b9", json::object()), "ReplicaSet/my-app-7d4b9");
  EXPECT_EQ(controller("ReplicaSet", "my-app", {{"pod-template-hash", "7d4b9"}}), "ReplicaSet/my-app");
  EXPECT_EQ(controller("ReplicaSet", "my-app-", {{"pod-template-hash", ""}}), "ReplicaSet/my-app-");
  EXPECT_EQ(controller("ReplicaSet", "-7d4b9", {{"pod-template-hash", "7d4b9"}}), "ReplicaSet/-7d4b9");
  EXPECT_EQ(controller("StatefulSet", "db-7d4b9", {{"pod-template-hash", "7d4b9"}}), "StatefulSet/db-7d4b9");
}

TEST(Pod, OnlyControllersThatKeepANumberOfPodsMakeOneAnew) {
  json object = pod(json::object(), json::object());
  const auto made_anew = [&](const std::string& api_version, const std::string& kind, bool controls = true) {
    object["metadata"]["ownerReferences"] = {
        {{"apiVersion", api_version}, {"kind", kind}, {"name", "x"}, {"controller", controls}}};
    return read_pod(object).value().made_anew;
  };
  for (const char* kind : {"ReplicaSet", "StatefulSet", "DaemonSet"}) {
    EXPECT_TRUE(made_anew("apps/v1", kind)) << kind;
    EXPECT_FALSE(made_anew("apps/v1", kind, false)) << kind;
    EXPECT_FALSE(made_anew("apps.example.com/v1", kind)) << kind;
  }
  EXPECT_TRUE(made_anew("v1", "ReplicationController"));
  for (const auto& [api_version, kind] :
       {std::pair{"batch/v1", "Job"}, std::pair{"argoproj.io/v1alpha1", "Workflow"},
        std::pair{"tekton.dev/v1", "TaskRun"}, std::pair{"build.openshift.io/v1", "Build"},
        std::pair{"kubevirt.io/v1", "VirtualMachineInstance"}, std::pair{"v1", "Pod"}, std::pair{"v1", "Node"}}) {
    EXPECT_FALSE(made_anew(api_version, kind)) << kind;
  }
  object["metadata"].erase("ownerReferences");
  EXPECT_FALSE(read_pod(object).value().made_anew);
}

TEST(Pod, TheMirrorOfAStaticPodHasNoController) {
  json object = pod(json::object(), json::object());
  object["metadata"]["annotations"] = {{"kubernetes.io/config.mirror", "0123"}};
  object["metadata"]["ownerReferences"] = {{{"kind", "Node"}, {"name", "node-1"}, {"controller", true}}};
  const auto read = read_pod(object);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->is_static);
  EXPECT_EQ(read->controller, "");
}

TEST(Pod, WhatIsOddIsNoPodOrNotThere) {
  EXPECT_FALSE(read_pod(json()));
  EXPECT_FALSE(read_pod({{"metadata", {{"name", "../x"}, {"namespace", "a"}}}}));
  const auto read = read_pod(pod({{"imagePullSecrets", "x"}, {"containers", 1}},
                                 {{"containerStatuses", {1, {{"state", 2}}, waiting("ghost", "ErrImagePull")}}}));
  ASSERT_TRUE(read);
  EXPECT_THAT(read->pull_secrets, IsEmpty());
  ASSERT_THAT(read->failures, SizeIs(1));
  EXPECT_EQ(read->failures[0].image, "");
}

}  // namespace
}  // namespace regsync
