#include "sync/cli/ask/daemon_environment.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <set>
#include <utility>

#include "helper/base/text.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/kube/config/client_environment.hpp"
#include "sync/kube/http/proxy.hpp"

namespace regsync::cli {
namespace {

using Environment = std::map<std::string, std::string>;  // kube::client_environment

// The environments of this shell and of regsyncd.
struct Environments {
  Environment here;
  Environment there;
};

std::string value_in(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

// Returns "regsync setup --environment A,B" with those of the names whose values differ.
std::string mended_by(const Environments& worlds, std::initializer_list<const char*> names) {
  std::string differing;
  for (const char* const name : names) {
    if (value_in(worlds.here, name) != value_in(worlds.there, name)) {
      differing += (differing.empty() ? "" : ",") + std::string(name);
    }
  }
  return "regsync setup --environment " + differing;
}

std::string described(const std::string& kubeconfig) {
  return kubeconfig.empty() ? "~/.kube/config" : "KUBECONFIG=" + kubeconfig;
}

std::string described(const std::vector<std::string>& contexts) {
  const auto more = contexts.size() - 1;
  return "context " + presentable(contexts.front()) + (more == 0 ? "" : " (and " + std::to_string(more) + " more)");
}

// Another check reports unusable contexts.
std::vector<kube::ResolvedContext> usable(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& names) {
  std::vector<kube::ResolvedContext> contexts;
  for (const std::string& name : names) {
    try {
      contexts.push_back(kubeconfig.resolve(name));
    } catch (const Error&) {
      continue;
    }
  }
  return contexts;
}

using Contexts = std::vector<kube::ResolvedContext>;

void compare_plugins(const Environments& worlds, const Contexts& contexts, std::vector<Error>& differences) {
  const std::string path = value_in(worlds.there, "PATH");
  std::set<std::string> programs;
  for (const auto& context : contexts) {
    if (context.exec && context.exec->command.find('/') == std::string::npos) {
      programs.insert(context.exec->command);
    }
  }
  for (const std::string& program : programs) {
    if (find_in(value_in(worlds.here, "PATH"), program) && !find_in(path, program)) {
      differences.emplace_back(
          ErrorCode::credential_plugin,
          "the plugin " + program + " is on the PATH of this shell, and not on that of regsyncd (" + path + ")",
          "give regsyncd this PATH: regsync setup --environment PATH");
    }
  }
}

void compare_variables_of_plugins(const Environments& worlds, const Contexts& contexts,
                                  std::vector<Error>& differences) {
  for (const auto& [program, name, is_path] : kube::read_by_plugins) {
    const auto reads = [&program, name](const kube::ExecConfig& exec) {
      const auto is_it = [name](const auto& own) { return own.first == name; };
      return std::filesystem::path(exec.command).filename().string().starts_with(program) &&
             std::ranges::none_of(exec.env, is_it);  // exec.env is the same for both
    };
    std::vector<std::string> concerned;
    for (const auto& context : contexts) {
      if (context.exec && reads(*context.exec)) {
        concerned.push_back(context.name);
      }
    }
    const auto said = [name](const Environment& environment) {
      const std::string value = value_in(environment, name);
      return value.empty() ? std::string("none") : std::string(name) + "=" + presentable(value);
    };
    if (!concerned.empty() && said(worlds.here) != said(worlds.there)) {
      differences.emplace_back(ErrorCode::credential_plugin,
                               "the plugin of " + described(concerned) + " reads " + name + ": this shell has " +
                                   said(worlds.here) + ", regsyncd " + said(worlds.there),
                               "if regsyncd should have the same: " + mended_by(worlds, {name}));
    }
  }
}

std::string way_to(const std::string& server, const Environment& environment) {
  const auto lookup = [&](std::string_view name) { return std::optional(value_in(environment, std::string(name))); };
  const std::string proxy = kube::proxy_from_environment(server, lookup).url;
  return proxy.empty() ? "directly" : "through the proxy " + proxy;
}

void compare_proxies(const Environments& worlds, const Contexts& contexts, std::vector<Error>& differences) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_ways;
  for (const auto& context : contexts) {
    const auto ways = std::pair(way_to(context.server, worlds.here), way_to(context.server, worlds.there));
    if (context.proxy_url.empty() && ways.first != ways.second) {
      by_ways[ways].push_back(context.name);
    }
  }
  for (const auto& [ways, names] : by_ways) {
    differences.emplace_back(
        ErrorCode::unreachable,
        "this shell reaches the API server of " + described(names) + " " + ways.first + ", regsyncd " + ways.second,
        "if regsyncd should do the same: " + mended_by(worlds, {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"}));
  }
}

void compare_roots(const Environments& worlds, const Contexts& contexts, std::vector<Error>& differences) {
  std::vector<std::string> concerned;
  for (const auto& context : contexts) {
    if (context.ca_file.empty() && context.ca_data.empty() && !context.insecure_skip_tls_verify) {
      concerned.push_back(context.name);
    }
  }
  for (const char* const name : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    const std::string here = value_in(worlds.here, name);
    const std::string there = value_in(worlds.there, name);
    if (!concerned.empty() && here != there) {
      const auto said = [&](const std::string& value) {
        return value.empty() ? std::string(" without ") + name : std::string(" with ") + name + "=" + value;
      };
      differences.emplace_back(ErrorCode::tls,
                               described(concerned) + " names no certificate-authority: this shell trusts servers" +
                                   said(here) + ", regsyncd" + said(there),
                               "if regsyncd should trust the same: " + mended_by(worlds, {name}));
    }
  }
}

// Compares the folders of Docker's config, whose credHelpers name the registries of other helpers.
void compare_docker_config(const Environments& worlds, std::vector<Error>& differences) {
  const auto folder = [](const Environment& environment) {
    const std::string named = value_in(environment, "DOCKER_CONFIG");
    return named.empty() ? (paths::home() / ".docker").string() : named;
  };
  if (folder(worlds.here) != folder(worlds.there)) {
    differences.emplace_back(
        ErrorCode::credential_plugin,
        "regsyncd reads Docker's config.json in " + folder(worlds.there) + ", this shell in " + folder(worlds.here),
        "if regsyncd should read the same: " + mended_by(worlds, {"DOCKER_CONFIG"}));
  }
}

}  // namespace

std::vector<Error> environment_differences(const StatusReport& daemon, const kube::Kubeconfig& kubeconfig,
                                           const std::vector<std::string>& contexts) {
  std::vector<Error> differences;
  if (!daemon.environment.contains("PATH")) {
    return differences;  // an older regsyncd does not report it
  }
  const Environments worlds{.here = kube::client_environment(), .there = daemon.environment};
  const std::string here = value_in(worlds.here, "KUBECONFIG");
  const std::string there = value_in(worlds.there, "KUBECONFIG");
  if (here != there && !settings_in_force().kubeconfig) {
    differences.emplace_back(ErrorCode::kubeconfig,
                             "regsyncd reads " + described(there) + ", this shell " + described(here),
                             "if regsyncd should read the same: regsync setup --environment KUBECONFIG");
  }
  const Contexts usable_ones = usable(kubeconfig, contexts);
  compare_plugins(worlds, usable_ones, differences);
  compare_variables_of_plugins(worlds, usable_ones, differences);
  compare_proxies(worlds, usable_ones, differences);
  compare_roots(worlds, usable_ones, differences);
  compare_docker_config(worlds, differences);
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
