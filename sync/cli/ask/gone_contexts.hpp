// Finds the contexts where footprints say that Secrets are, and which the kubeconfig has no more.
// Reads files; one thread.
#pragma once

#include <string>
#include <vector>

#include "sync/kube/config/kubeconfig.hpp"

namespace regsync::cli {

// By the footprints of the state folder, each once, sorted.
std::vector<std::string> contexts_that_are_gone(const kube::Kubeconfig& kubeconfig);

}  // namespace regsync::cli
