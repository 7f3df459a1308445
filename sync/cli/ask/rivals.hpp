// Finds the other targets that already keep a Secret which a new target wants.
#pragma once

#include "sync/config/target_directory.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// Throws Error(already_exists) naming the other target and the place, if one can be named without asking a cluster: of
// the same context, or of two contexts that are known to lead to one cluster.
void refuse_rival(const Target& target, const TargetFiles& others, const kube::Kubeconfig& kubeconfig);

}  // namespace regsync::cli
