// Compares the environment of regsyncd with that of this shell: a kubeconfig or a plugin that only the shell finds, or
// a proxy or a Docker config that only the shell knows of, makes every check here succeed and the daemon fail.
// Blocks; one thread.
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

// What regsyncd does not find as this shell does, each with the command that mends it. `kubeconfig`: the one of this
// shell; `contexts`: those whose plugins and servers matter.
std::vector<Error> environment_differences(const StatusReport& daemon, const kube::Kubeconfig& kubeconfig,
                                           const std::vector<std::string>& contexts);

// The same, as warnings for a person. Says nothing where no daemon runs or the kubeconfig cannot be read: those are the
// matter of whoever needs them.
void warn_of_environment(Console& console, const std::optional<std::filesystem::path>& kubeconfig,
                         const std::vector<std::string>& contexts);

}  // namespace regsync::cli
