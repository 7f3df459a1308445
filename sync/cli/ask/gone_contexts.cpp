#include "sync/cli/ask/gone_contexts.hpp"

#include <algorithm>
#include <set>

#include "sync/base/paths.hpp"
#include "sync/engine/footprint.hpp"

namespace regsync::cli {

std::vector<std::string> contexts_that_are_gone(const kube::Kubeconfig& kubeconfig) {
  const auto& present = kubeconfig.contexts();
  const FootprintStore footprints(paths::footprints());
  std::set<std::string> gone;
  for (const auto& [target, footprint] : footprints.all()) {
    for (const auto& [context, places] : footprint.contexts) {
      if (std::ranges::find(present, context) == present.end()) {
        gone.insert(context);
      }
    }
  }
  return {gone.begin(), gone.end()};
}

}  // namespace regsync::cli
