#include "sync/cli/ask/rivals.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "sync/base/spawn_guarded.hpp"
#include "sync/cli/ask/differences.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {

namespace {

// Returns the usable contexts that a target selects, with their resolved settings.
std::map<std::string, kube::ResolvedContext> usable_contexts_of(const Target& target,
                                                                const kube::Kubeconfig& kubeconfig) {
  std::map<std::string, kube::ResolvedContext> contexts;
  for (const std::string& name : selected_contexts({target}, kubeconfig)) {
    // An unusable context holds no Secret of a target now.
    (void)guarded([&] { contexts.emplace(name, kubeconfig.resolve(name)); });
  }
  return contexts;
}

bool is_namesake(const Target& target, const std::string& name, const TargetFile& file) {
  return name != target.name && file.target && file.target->secret == target.secret;
}

std::optional<Error> rival_of(const Target& target, const TargetFiles& others, const kube::Kubeconfig& kubeconfig,
                              const RememberedState& memory) {
  const auto lead_to_one_cluster = [&](const kube::ResolvedContext& one, const kube::ResolvedContext& other) {
    const Same known = one.name == other.name ? Same::yes : memory.book.same(one.name, other.name);
    return known == Same::yes ||
           (known == Same::unknown && same_cluster(identity_of(one), identity_of(other)) == Same::yes);
  };
  for (const auto& [name, file] : others) {
    if (!is_namesake(target, name, file)) {
      continue;
    }
    for (const auto& [mine, my_context] : usable_contexts_of(target, kubeconfig)) {
      for (const auto& [theirs, their_context] : usable_contexts_of(*file.target, kubeconfig)) {
        const auto shared = common_namespace(meant_in(target, my_context, memory.footprints),
                                             meant_in(*file.target, their_context, memory.footprints));
        if (shared && lead_to_one_cluster(my_context, their_context)) {
          return Error(ErrorCode::already_exists,
                       "target " + name + " keeps Secret " + target.secret + " in namespace " + *shared +
                           " of context " + theirs +
                           (mine == theirs ? "" : ", which leads to the same cluster as context " + mine),
                       "give the Secret of " + target.name + " another name, or change " + name);
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace

void refuse_rival(const Target& target, const TargetFiles& others, const kube::Kubeconfig& kubeconfig) {
  refuse_new_rival(std::nullopt, target, others, kubeconfig);
}

void refuse_new_rival(const std::optional<Target>& before, const Target& target, const TargetFiles& others,
                      const kube::Kubeconfig& kubeconfig) {
  const RememberedState memory;
  auto rival = rival_of(target, others, kubeconfig, memory);
  const bool had_one =
      rival && before && before->secret == target.secret && rival_of(*before, others, kubeconfig, memory).has_value();
  if (rival && !had_one) {
    throw Error(std::move(*rival));
  }
}

bool has_namesake(const Target& target, const TargetFiles& others) {
  return std::ranges::any_of(others, [&](const auto& other) { return is_namesake(target, other.first, other.second); });
}

}  // namespace regsync::cli
