#include "sync/cli/ask/kubeconfig_selection.hpp"

#include <algorithm>

#include "sync/base/paths.hpp"
#include "sync/base/suggest.hpp"
#include "sync/cli/console.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/config/settings.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

kube::Kubeconfig load_kubeconfig(const std::optional<std::filesystem::path>& explicit_path) {
  const auto path = explicit_path ? explicit_path : load_settings(paths::settings()).kubeconfig;
  kube::Kubeconfig kubeconfig = kube::Kubeconfig::load(path);
  if (!path && kubeconfig.contexts().empty()) {
    if (auto in_pod = kube::Kubeconfig::in_cluster()) {
      return std::move(*in_pod);
    }
  }
  return kubeconfig;
}

void require_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& names) {
  const std::vector<std::string>& contexts = kubeconfig.contexts();
  for (const std::string& name : names) {
    if (std::ranges::any_of(contexts, [&](const std::string& context) { return glob_match(name, context); })) {
      continue;
    }
    if (contexts.empty()) {
      throw UsageError("there is no context \"" + name + "\": the kubeconfig has none at all",
                       "set KUBECONFIG, or give --kubeconfig FILE; see: kubectl config get-contexts");
    }
    throw UsageError(is_glob(name) ? "no context matches \"" + name + "\"" : "there is no context \"" + name + "\"",
                     did_you_mean(name, contexts));
  }
}

std::vector<std::string> select_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& patterns) {
  if (patterns.empty()) {
    return kubeconfig.contexts();
  }
  std::vector<std::string> selected;
  for (const std::string& context : kubeconfig.contexts()) {
    if (matches_any(patterns, context)) {
      selected.push_back(context);
    }
  }
  return selected;
}

}  // namespace regsync::cli
