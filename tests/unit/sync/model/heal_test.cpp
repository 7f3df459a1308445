#include "sync/model/heal.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

Payload payload() {
  PullEntries entries;
  entries["ghcr.io"] = {"me", SecretString("p"), ""};
  return Payload(entries);
}

Pod waiting_pod() {
  Pod pod;
  pod.name_space = "team";
  pod.name = "app-1";
  pod.service_account = "default";
  pod.pull_secrets = {"cred"};
  pod.controller = "ReplicaSet/app";
  pod.failures = {{"main", "ghcr.io/acme/app", "ImagePullBackOff", ""}};
  return pod;
}

TEST(Heal, APodThatWaitsForExactlyThisIsCured) {
  EXPECT_TRUE(is_cured_by(waiting_pod(), {"cred", ""}, payload()));
  Pod of_account = waiting_pod();
  of_account.pull_secrets.clear();
  EXPECT_TRUE(is_cured_by(of_account, {"cred", "default"}, payload()));
}

TEST(Heal, AnyOtherPodIsLeftAlone) {
  struct Case {
    const char* what;
    void (*change)(Pod&);
  };
  for (const Case& c : std::initializer_list<Case>{
           {"nothing makes it anew", [](Pod& pod) { pod.controller.clear(); }},
           {"a Job counts it as a failure", [](Pod& pod) { pod.controller = "Job/import"; }},
           {"its node makes it, of a file", [](Pod& pod) { pod.is_static = true; }},
           {"it ran", [](Pod& pod) { pod.started = true; }},
           {"it is going", [](Pod& pod) { pod.terminating = true; }},
           {"it does not fail", [](Pod& pod) { pod.failures.clear(); }},
           {"it names another Secret", [](Pod& pod) { pod.pull_secrets = {"other"}; }},
           {"another registry", [](Pod& pod) { pod.failures[0].image = "quay.io/acme/app"; }},
           {"another cause", [](Pod& pod) { pod.failures[0].reason = "ErrImageNeverPull"; }},
           {"no image", [](Pod& pod) { pod.failures[0].image = "A B"; }},
           {"one container of another registry",
            [](Pod& pod) { pod.failures.push_back({"side", "quay.io/x", "ErrImagePull", ""}); }},
       }) {
    Pod pod = waiting_pod();
    c.change(pod);
    EXPECT_FALSE(is_cured_by(pod, {"cred", ""}, payload())) << c.what;
  }
  EXPECT_FALSE(is_cured_by(waiting_pod(), {"cred", "default"}, payload())) << "it names pull secrets itself";
}

}  // namespace
}  // namespace regsync
