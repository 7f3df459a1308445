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
  pod.made_anew = true;
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
           {"nothing makes it anew", [](Pod& pod) { pod.made_anew = false; }},
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

bool cured_where_the_node_says(const std::string& message) {
  Pod pod = waiting_pod();
  pod.failures[0].message = message;
  return is_cured_by(pod, {"cred", ""}, payload());
}

TEST(Heal, APodStaysWhereNoLoginWouldHelp) {
  for (
      const char* message : {
          "rpc error: code = Unknown desc = reading manifest nope in ghcr.io/acme/app: manifest unknown",
          "Error response from daemon: manifest for ghcr.io/acme/app:nope not found: manifest unknown",
          "Error response from daemon: manifest for ghcr.io/acme/app:nope not found",
          R"(failed to do request: Head "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 10.0.0.10:53: no such host)",
          "dial tcp 140.82.121.34:443: connect: connection refused",
          "dial tcp 140.82.121.34:443: i/o timeout",
      }) {
    EXPECT_FALSE(cured_where_the_node_says(message)) << message;
  }
}

TEST(Heal, WhatMayBeALackOfRightsIsCured) {
  for (const char* message : {
           R"(Back-off pulling image "ghcr.io/acme/app")",
           R"(failed to resolve reference "ghcr.io/acme/app:1": ghcr.io/acme/app:1: not found)",
           "pull access denied, repository does not exist or may require authorization: server message: "
           "insufficient_scope: authorization failed",
           "Error response from daemon: pull access denied for acme/app, repository does not exist or may require "
           "'docker "
           "login': denied: requested access to the resource is denied",
           "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized",
           "unexpected status from HEAD request to https://ghcr.io/v2/acme/app/manifests/1: 403 Forbidden",
           "no basic auth credentials",
           "reading manifest 1 in ghcr.io/acme/app: manifest unknown; unauthorized: authentication required",
       }) {
    EXPECT_TRUE(cured_where_the_node_says(message)) << message;
  }
}

}  // namespace
}  // namespace regsync
