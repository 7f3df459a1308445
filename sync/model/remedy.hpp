// Adds context and target to the commands in an error's remedy (`kubectl --context …`), where that finds the cluster.
// Pure.
#pragma once

#include <string>

#include "helper/base/error.hpp"

namespace regsync {

// Whether the remedy is another one for each target, as it names the target.
bool is_remedied_per_target(ErrorCode code);

// The error of a target in a context, its remedy for that context: "kubectl create namespace x" would go to the current
// one, and a missing right is granted by `regsync rbac`. Neither finds a cluster that is in a fleet and not in the
// kubeconfig: whoever does something there has a kubeconfig of their own.
Error for_context(const Error& error, const std::string& target, const std::string& context, bool in_kubeconfig = true);

}  // namespace regsync
