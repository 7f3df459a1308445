// Compares the environment of regsyncd with that of this shell: if only the shell has the kubeconfig, plugin, proxy or
// Docker config, every check here succeeds and the daemon fails. Blocks; one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// Returns each difference between regsyncd and this shell, with the command that fixes it. `kubeconfig`: the one of
// this shell; `contexts`: those whose plugins and servers matter.
std::vector<Error> environment_differences(const StatusReport& daemon, const kube::Kubeconfig& kubeconfig,
                                           const std::vector<std::string>& contexts);

// Prints the same as warnings. Prints nothing if no daemon runs or the kubeconfig cannot be read: callers that need
// them report that.
void warn_of_environment(Console& console, const std::optional<std::filesystem::path>& kubeconfig,
                         const std::vector<std::string>& contexts);

}  // namespace regsync::cli
