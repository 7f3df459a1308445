// Fills in the namespace of a target that names none, as regsyncd does: the one where it first went. Pure; any thread.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "sync/engine/footprint.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/kube/config/resolved_context.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// With namespaces: a target whose file names none stays in the namespace where it went first in this context (its
// footprint says which), whatever the current one is today.
Target meant_in(const Target& target, const kube::ResolvedContext& context, const FootprintStore& footprints);

// The same in a context that may be gone, or be of no use now; nothing where nobody can tell the namespace then.
std::optional<Target> meant_in(const Target& target, const std::string& context, const kube::Kubeconfig& kubeconfig,
                               const FootprintStore& footprints);

// The namespaces of a target whose file names none, in all its contexts: those that are gone included, and without
// those that cannot be used and where it has never been.
std::set<std::string> own_namespaces(const Target& target, const kube::Kubeconfig& kubeconfig,
                                     const FootprintStore& footprints);

}  // namespace regsync::cli
