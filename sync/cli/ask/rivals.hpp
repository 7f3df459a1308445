// Finds the other targets that already keep a Secret which a new or changed target wants. Reads files; one thread.
#pragma once

#include <optional>

#include "sync/config/target_directory.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// Throws Error(already_exists) naming the other target and the place, if one can be named without asking a cluster: of
// the same context, or of two contexts that are known to lead to one cluster.
void refuse_rival(const Target& target, const TargetFiles& others, const kube::Kubeconfig& kubeconfig);

// The same for a target that is changed: what it was may have shared a Secret already, which this change did not do.
void refuse_new_rival(const std::optional<Target>& before, const Target& target, const TargetFiles& others,
                      const kube::Kubeconfig& kubeconfig);

// Whether any other target names its Secrets so: without one there is no rival, whatever the kubeconfig says.
bool has_namesake(const Target& target, const TargetFiles& others);

}  // namespace regsync::cli
