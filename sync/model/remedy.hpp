// Adds context and target to the commands in an error's remedy (`kubectl --context …`), if they find the cluster. Pure.
#pragma once

#include <string>

#include "helper/base/error.hpp"

namespace regsync {

// Whether the remedy differs by target, because it names the target.
bool is_remedied_per_target(ErrorCode code);

// The error of a target in a context, with a remedy for that context: a plain "kubectl create namespace x" would use
// the current context, and `regsync rbac` grants a missing right. Neither finds a cluster that is in a fleet and not in
// the kubeconfig: whoever works there has their own kubeconfig.
Error for_context(const Error& error, const std::string& target, const std::string& context, bool in_kubeconfig = true);

}  // namespace regsync
