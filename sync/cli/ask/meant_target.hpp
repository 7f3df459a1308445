// Fills in the namespace of a target that names none, as regsyncd does: the one that it first used. Pure; any thread.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "sync/engine/footprint.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/kube/config/resolved_context.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// Returns the target with namespaces. A target whose file names none stays in the namespace that it first used in this
// context (recorded in its footprint), whatever the current namespace is now.
Target meant_in(const Target& target, const kube::ResolvedContext& context, const FootprintStore& footprints);

// The same for a context that may be gone or unusable; nullopt if the namespace is then unknown.
std::optional<Target> meant_in(const Target& target, const std::string& context, const kube::Kubeconfig& kubeconfig,
                               const FootprintStore& footprints);

// The namespaces of a target whose file names none, in all its contexts. Includes contexts that are gone; omits
// unusable contexts that the target has never used.
std::set<std::string> own_namespaces(const Target& target, const kube::Kubeconfig& kubeconfig,
                                     const FootprintStore& footprints);

}  // namespace regsync::cli
