#include "sync/cli/ask/meant_target.hpp"

#include "helper/base/guarded.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {

Target meant_in(const Target& target, const kube::ResolvedContext& context, const FootprintStore& footprints) {
  if (!uses_own_namespace(target)) {
    return target;
  }
  const Footprint* known = footprints.find(target.name);
  if (known != nullptr && !known->forgotten) {
    if (const auto own = known->own_namespaces.find(context.name); own != known->own_namespaces.end()) {
      return resolved(target, own->second);
    }
  }
  return resolved(target, context.default_namespace);
}

std::set<std::string> own_namespaces(const Target& target, const kube::Kubeconfig& kubeconfig,
                                     const FootprintStore& footprints) {
  std::set<std::string> namespaces;
  const Footprint* known = footprints.find(target.name);
  if (known != nullptr && !known->forgotten) {
    for (const auto& [context, own] : known->own_namespaces) {
      if (selects_context(target, context)) {
        namespaces.insert(own);
      }
    }
  }
  for (const std::string& context : selected_contexts({target}, kubeconfig)) {
    // One that cannot be used has no namespace now.
    (void)guarded([&] {
      const Target meant = meant_in(target, kubeconfig.resolve(context), footprints);
      namespaces.insert(meant.namespaces.begin(), meant.namespaces.end());
    });
  }
  return namespaces;
}

}  // namespace regsync::cli
