#include "sync/cli/ask/gone_contexts.hpp"

#include "sync/base/paths.hpp"
#include "sync/engine/context_checks.hpp"
#include "sync/engine/footprint.hpp"

namespace regsync::cli {

std::vector<std::string> contexts_that_are_gone(const kube::Kubeconfig& kubeconfig) {
  return regsync::contexts_that_are_gone(kubeconfig.contexts(), FootprintStore(paths::footprints()).all());
}

}  // namespace regsync::cli
