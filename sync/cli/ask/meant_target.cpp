#include "sync/cli/ask/meant_target.hpp"

#include "helper/base/guarded.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {

namespace {

// Returns the namespace that the target first used in a context.
std::optional<std::string> first_namespace(const Target& target, const std::string& context,
                                           const FootprintStore& footprints) {
  const Footprint* known = footprints.find(target.name);
  return known == nullptr ? std::nullopt : known->own_namespace(context);
}

}  // namespace

Target meant_in(const Target& target, const kube::ResolvedContext& context, const FootprintStore& footprints) {
  return resolved(target, first_namespace(target, context.name, footprints).value_or(context.default_namespace));
}

std::optional<Target> meant_in(const Target& target, const std::string& context, const kube::Kubeconfig& kubeconfig,
                               const FootprintStore& footprints) {
  if (!uses_own_namespace(target)) {
    return target;
  }
  auto own = first_namespace(target, context, footprints);
  if (!own) {
    // A context that is gone or unusable has no namespace now.
    (void)guarded([&] { own = kubeconfig.resolve(context).default_namespace; });
  }
  return own ? std::optional(resolved(target, *own)) : std::nullopt;
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
    if (const auto meant = meant_in(target, context, kubeconfig, footprints)) {
      namespaces.insert(meant->namespaces.begin(), meant->namespaces.end());
    }
  }
  return namespaces;
}

}  // namespace regsync::cli
