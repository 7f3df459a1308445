// Selects the kubeconfig and the contexts that a person means. Reads files; one thread.
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

// --kubeconfig, else the one of config.yaml, else $KUBECONFIG or ~/.kube/config; in a pod without any, its own
// service account as the context "in-cluster". Where our standard input or standard error is a terminal, exec plugins
// may talk to the person there as with kubectl, and are waited for. `limit`: the person's own --timeout, which is how
// long a plugin may take then.
kube::Kubeconfig load_kubeconfig(const std::optional<std::filesystem::path>& explicit_path,
                                 std::optional<std::chrono::milliseconds> limit = std::nullopt);

// The same where config.yaml cannot be used, as regsyncd has it: for who says by itself that it cannot.
kube::Kubeconfig load_kubeconfig_in_force(const std::optional<std::filesystem::path>& explicit_path);
// What regsyncd goes by: config.yaml, or else its last version that could be used.
Settings settings_in_force();

// "; files read: …", for a message that says that something is not in them: one of them may be missing.
std::string files_read(const kube::Kubeconfig& kubeconfig);

// As load_kubeconfig(), read when it is first needed, and once.
class LazyKubeconfig {
 public:
  explicit LazyKubeconfig(std::optional<std::filesystem::path> explicit_path) : path_(std::move(explicit_path)) {}
  const kube::Kubeconfig& get();

 private:
  std::optional<std::filesystem::path> path_;
  std::optional<kube::Kubeconfig> kubeconfig_;
};

// Throws UsageError where there is none, with the files that were read.
void require_any_context(const kube::Kubeconfig& kubeconfig);

// The current context. Throws UsageError where there is none.
const std::string& require_current_context(const kube::Kubeconfig& kubeconfig);

// Throws UsageError, with what was probably meant, for a name that is no context, or a glob that matches none.
void require_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& names);

// The contexts that any of the names and globs match, sorted.
std::vector<std::string> select_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& patterns);

// The contexts of the kubeconfig that any of the targets selects, sorted.
std::vector<std::string> selected_contexts(const std::vector<Target>& targets, const kube::Kubeconfig& kubeconfig);

// Where the targets go: the contexts that they select, and those that they name and the kubeconfig lacks.
std::set<std::string> contexts_of(const std::vector<Target>& targets, const kube::Kubeconfig& kubeconfig);

}  // namespace regsync::cli
