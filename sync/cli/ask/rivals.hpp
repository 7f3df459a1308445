// Finds the other targets that already keep a Secret which a new or changed target wants. Reads files; one thread.
#pragma once

#include <optional>

#include "sync/config/target_directory.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// Throws Error(already_exists) naming the other target and the place, if a conflict is certain without a request to a
// cluster: in one context, or in two contexts that are known to lead to one cluster.
void refuse_rival(const Target& target, const TargetFiles& others, const kube::Kubeconfig& kubeconfig);

// The same for a changed target. Ignores a conflict that existed before the change.
void refuse_new_rival(const std::optional<Target>& before, const Target& target, const TargetFiles& others,
                      const kube::Kubeconfig& kubeconfig);

// Whether another target uses the same Secret name. If none does, there is no rival in any kubeconfig.
bool has_namesake(const Target& target, const TargetFiles& others);

}  // namespace regsync::cli
