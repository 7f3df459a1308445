// Fills in the namespace of a target that names none, as regsyncd does: the one where it first went.
#pragma once

#include "sync/engine/footprint.hpp"
#include "sync/kube/config/resolved_context.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// With namespaces: a target whose file names none stays in the namespace where it went first in this context (its
// footprint says which), whatever the current one is today.
Target meant_in(const Target& target, const kube::ResolvedContext& context, const FootprintStore& footprints);

}  // namespace regsync::cli
