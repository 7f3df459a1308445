// Selects the kubeconfig and the contexts of a command. Reads files; one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/config/settings.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// Loads --kubeconfig, or the one in config.yaml, or $KUBECONFIG or ~/.kube/config; in a pod without any of these, its
// service account as the context "in-cluster". If standard input or standard error is a terminal, exec plugins may
// interact with the person as with kubectl, and get more time: `limit`, the person's --timeout, if given.
kube::Kubeconfig load_kubeconfig(const std::optional<std::filesystem::path>& explicit_path,
                                 std::optional<std::chrono::milliseconds> limit = std::nullopt);

// Like load_kubeconfig(), but tolerates an unusable config.yaml as regsyncd does; for callers that report that
// themselves.
kube::Kubeconfig load_kubeconfig_in_force(const std::optional<std::filesystem::path>& explicit_path);
// Returns the settings that regsyncd uses: config.yaml, or its last usable version.
Settings settings_in_force();

// Returns "; files read: …", for a message that something is not in the kubeconfig: a file may be missing.
std::string files_read(const kube::Kubeconfig& kubeconfig);

// LazyKubeconfig calls load_kubeconfig() once, at the first get().
class LazyKubeconfig {
 public:
  explicit LazyKubeconfig(std::optional<std::filesystem::path> explicit_path) : path_(std::move(explicit_path)) {}
  const kube::Kubeconfig& get();

 private:
  std::optional<std::filesystem::path> path_;
  std::optional<kube::Kubeconfig> kubeconfig_;
};

// Throws UsageError, with the files that were read, if the kubeconfig has no context.
void require_any_context(const kube::Kubeconfig& kubeconfig);

// Returns the current context. Throws UsageError if there is none.
const std::string& require_current_context(const kube::Kubeconfig& kubeconfig);

// Throws UsageError, with a suggestion, for a name that is not a context, or a glob that matches none.
void require_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& names);

// The contexts that any of the names and globs match, sorted.
std::vector<std::string> select_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& patterns);

// The contexts of the kubeconfig that any of the targets selects, sorted.
std::vector<std::string> selected_contexts(const std::vector<Target>& targets, const kube::Kubeconfig& kubeconfig);

// All contexts of the targets: those that they select, and those that they name and the kubeconfig lacks.
std::set<std::string> contexts_of(const std::vector<Target>& targets, const kube::Kubeconfig& kubeconfig);

}  // namespace regsync::cli
