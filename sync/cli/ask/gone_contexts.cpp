#include "sync/cli/ask/gone_contexts.hpp"

#include "sync/cli/ask/known_footprints.hpp"
#include "sync/engine/context_checks.hpp"

namespace regsync::cli {

std::vector<std::string> contexts_that_are_gone(const kube::Kubeconfig& kubeconfig) {
  return regsync::contexts_that_are_gone(kubeconfig.contexts(), known_footprints().all());
}

}  // namespace regsync::cli
