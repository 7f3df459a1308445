#include "sync/cli/ask/kubeconfig_selection.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "helper/base/shell_word.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/suggest.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/cli/view/text.hpp"

namespace regsync::cli {

namespace {

// RFC 8628: a device code that a person types elsewhere is usually valid for this long.
constexpr auto patience_with_a_person = std::chrono::minutes(15);

kube::Kubeconfig read_kubeconfig(const std::optional<std::filesystem::path>& path,
                                 std::optional<std::chrono::milliseconds> limit) {
  kube::Kubeconfig kubeconfig = kube::Kubeconfig::load_or_in_cluster(path);
  kube::ExecManners manners;
  manners.terminal = ::isatty(STDIN_FILENO) != 0;  // the plugin would inherit it
  manners.terminal_errors = manners.terminal || ::isatty(STDERR_FILENO) != 0;
  if (manners.terminal_errors) {
    manners.patience = patience_with_a_person;
  }
  manners.patience = limit.value_or(manners.patience);
  kubeconfig.set_exec_manners(manners);
  return kubeconfig;
}

}  // namespace

kube::Kubeconfig load_kubeconfig(const std::optional<std::filesystem::path>& explicit_path,
                                 std::optional<std::chrono::milliseconds> limit) {
  return read_kubeconfig(explicit_path ? explicit_path : load_settings(paths::settings()).kubeconfig, limit);
}

kube::Kubeconfig load_kubeconfig_in_force(const std::optional<std::filesystem::path>& explicit_path) {
  return read_kubeconfig(explicit_path ? explicit_path : settings_in_force().kubeconfig, std::nullopt);
}

std::string files_read(const kube::Kubeconfig& kubeconfig) {
  return kubeconfig.source().empty() ? "" : "; files read: " + kubeconfig.source();
}

Settings settings_in_force() {
  return load_settings_or_last_good(paths::settings(), paths::last_good_settings()).settings;
}

const kube::Kubeconfig& LazyKubeconfig::get() {
  if (!kubeconfig_) {
    kubeconfig_ = load_kubeconfig(path_);
  }
  return *kubeconfig_;
}

void require_any_context(const kube::Kubeconfig& kubeconfig) {
  if (kubeconfig.contexts().empty()) {
    throw Error(ErrorCode::not_found, "no kubeconfig has a context" + files_read(kubeconfig),
                "set KUBECONFIG, or give --kubeconfig FILE; see: kubectl config get-contexts");
  }
}

const std::string& require_current_context(const kube::Kubeconfig& kubeconfig) {
  require_any_context(kubeconfig);
  if (kubeconfig.current_context().empty()) {
    throw UsageError("the kubeconfig has no current context",
                     "choose one: --context " + shell_word(kubeconfig.contexts().front()));
  }
  if (std::ranges::find(kubeconfig.contexts(), kubeconfig.current_context()) == kubeconfig.contexts().end()) {
    throw UsageError("the kubeconfig has no context \"" + kubeconfig.current_context() + "\", its current one",
                     "choose one: --context " + shell_word(kubeconfig.contexts().front()));
  }
  return kubeconfig.current_context();
}

void require_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& names) {
  const std::vector<std::string>& contexts = kubeconfig.contexts();
  for (const std::string& name : names) {
    if (std::ranges::any_of(contexts, [&](const std::string& context) { return glob_match(name, context); })) {
      continue;
    }
    if (contexts.empty()) {
      throw Error(ErrorCode::not_found,
                  "there is no context \"" + name + "\": no kubeconfig has one" + files_read(kubeconfig),
                  "set KUBECONFIG, or give --kubeconfig FILE; see: kubectl config get-contexts");
    }
    throw Error(ErrorCode::not_found,
                (is_glob(name) ? "no context matches \"" + name + "\"" : "there is no context \"" + name + "\"") +
                    files_read(kubeconfig),
                did_you_mean(name, contexts));
  }
}

std::vector<std::string> select_contexts(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& patterns) {
  std::vector<std::string> selected;
  for (const std::string& context : kubeconfig.contexts()) {
    if (matches_any(patterns, context)) {
      selected.push_back(context);
    }
  }
  return selected;
}

std::vector<std::string> selected_contexts(const std::vector<Target>& targets, const kube::Kubeconfig& kubeconfig) {
  std::vector<std::string> selected = kubeconfig.contexts();
  std::erase_if(selected, [&](const std::string& context) {
    return std::ranges::none_of(targets, [&](const Target& target) { return selects_context(target, context); });
  });
  return selected;
}

std::set<std::string> contexts_of(const std::vector<Target>& targets, const kube::Kubeconfig& kubeconfig) {
  const std::vector<std::string> selected = selected_contexts(targets, kubeconfig);
  std::set<std::string> contexts(selected.begin(), selected.end());
  for (const Target& target : targets) {
    std::ranges::copy_if(target.contexts, std::inserter(contexts, contexts.end()), std::not_fn(is_glob));
  }
  return contexts;
}

}  // namespace regsync::cli
