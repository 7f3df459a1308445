#include "sync/cli/ask/daemon_environment.hpp"

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "sync/base/find_program.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/text.hpp"

namespace regsync::cli {
namespace {

std::string own(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string of_daemon(const StatusReport& daemon, const char* name) {
  const auto found = daemon.environment.find(name);
  return found == daemon.environment.end() ? "" : found->second;
}

std::string described(const std::string& kubeconfig) {
  return kubeconfig.empty() ? "~/.kube/config" : "KUBECONFIG=" + kubeconfig;
}

// The programs that plugins are looked up by, on PATH.
std::set<std::string> plugins_of(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& contexts) {
  std::set<std::string> programs;
  for (const std::string& name : contexts) {
    try {
      const kube::ResolvedContext context = kubeconfig.resolve(name);
      if (context.exec && context.exec->command.find('/') == std::string::npos) {
        programs.insert(context.exec->command);
      }
    } catch (const Error&) {
      continue;  // a context that cannot be used is another check's matter
    }
  }
  return programs;
}

}  // namespace

std::vector<Error> environment_differences(const StatusReport& daemon, const kube::Kubeconfig& kubeconfig,
                                           const std::vector<std::string>& contexts) {
  std::vector<Error> differences;
  if (!daemon.environment.contains("PATH")) {
    return differences;  // a regsyncd of an older version does not say
  }
  const std::string here = own("KUBECONFIG");
  const std::string there = of_daemon(daemon, "KUBECONFIG");
  if (here != there && !settings_in_force().kubeconfig) {
    differences.emplace_back(ErrorCode::kubeconfig,
                             "regsyncd reads " + described(there) + ", this shell " + described(here),
                             "if regsyncd should read the same: regsync setup --environment KUBECONFIG");
  }
  for (const std::string& program : plugins_of(kubeconfig, contexts)) {
    if (find_in(own("PATH"), program) && !find_in(of_daemon(daemon, "PATH"), program)) {
      differences.emplace_back(ErrorCode::credential_plugin,
                               "the plugin " + program +
                                   " is on the PATH of this shell, and not on that of regsyncd (" +
                                   of_daemon(daemon, "PATH") + ")",
                               "give regsyncd this PATH: regsync setup --environment PATH");
    }
  }
  return differences;
}

void warn_of_environment(Console& console, const std::optional<std::filesystem::path>& kubeconfig,
                         const std::vector<std::string>& contexts) {
  try {
    const auto daemon = connect_if_running();
    if (!daemon || kubeconfig) {
      return;
    }
    const StatusReport report = ask_summary(*daemon, std::chrono::seconds(5));
    const kube::Kubeconfig here = load_kubeconfig(std::nullopt);
    for (const Error& difference : environment_differences(report, here, select_contexts(here, contexts))) {
      tell(console.err, "warning: " + describe(difference) + '\n');
    }
  } catch (const Error&) {
    return;
  }
}

}  // namespace regsync::cli
