#include "sync/cli/ask/meant_target.hpp"

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

}  // namespace regsync::cli
