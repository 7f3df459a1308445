// Finds the contexts that have Secrets according to the footprints, but are no longer in the kubeconfig. Reads files;
// one thread.
#pragma once

#include <string>
#include <vector>

#include "sync/kube/config/kubeconfig.hpp"

namespace regsync::cli {

// Reads the footprints of the state folder. The result is sorted, without duplicates.
std::vector<std::string> contexts_that_are_gone(const kube::Kubeconfig& kubeconfig);

}  // namespace regsync::cli
