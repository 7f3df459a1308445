// The manifests of systemd/kubernetes, and an API server that takes them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/kube_server.hpp"

namespace regsync::test {

// Serves Deployments, NetworkPolicies, and Leases, which the other API servers of the tests do without.
KubeServer& hub();

// The minor version of hub(): 20 for 1.20.
int hub_version();

// An overlay ("base", "ha" …) as `kubectl kustomize` prints it, without the PodDisruptionBudget where hub() has no
// policy/v1 yet.
std::string rendered(const std::string& overlay);

// The first object of this kind in an overlay. Fails the test and returns null where there is none.
nlohmann::json object_of(const std::string& overlay, const std::string& kind);

}  // namespace regsync::test
