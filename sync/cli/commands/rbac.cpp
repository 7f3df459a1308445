// regsync rbac: prints the minimal rights that a target needs, for `kubectl apply -f -`.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/ask/rights.hpp"
#include "sync/cli/ask/whoami.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {
namespace {

struct RbacOptions {
  std::vector<std::string> targets;
  std::string context;
  std::string user;
  std::string group;
  std::string service_account;  // NAMESPACE:NAME, as for kubectl create rolebinding
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::yaml;
};

// RBAC is per cluster: the requested context, or the current one, which `kubectl apply` uses.
std::string choose_context(const RbacOptions& options, const kube::Kubeconfig& kubeconfig,
                           const std::vector<Target>& targets) {
  if (!options.context.empty()) {
    require_contexts(kubeconfig, {options.context});
    if (std::ranges::none_of(targets, [&](const Target& target) { return selects_context(target, options.context); })) {
      throw UsageError("no target selects context " + options.context,
                       "its contexts: " + join(targets.front().contexts));
    }
    return options.context;
  }
  const auto selected = [&](const std::string& context) {
    return std::ranges::any_of(targets, [&](const Target& target) { return selects_context(target, context); });
  };
  if (selected(kubeconfig.current_context())) {
    return kubeconfig.current_context();
  }
  std::vector<std::string> contexts = kubeconfig.contexts();
  std::erase_if(contexts, [&](const std::string& context) { return !selected(context); });
  if (contexts.size() == 1) {
    return contexts.front();
  }
  if (contexts.empty()) {
    throw UsageError("no context of the kubeconfig is selected by any of these targets" + files_read(kubeconfig),
                     "see which there are: kubectl config get-contexts; and which the targets name: regsync list");
  }
  throw UsageError("no target selects the current context", "choose one: --context " + shell_word(contexts.front()));
}

Subject given_subject(const RbacOptions& options) {
  if (!options.user.empty()) {
    return {"User", options.user, ""};
  }
  if (!options.group.empty()) {
    return {"Group", options.group, ""};
  }
  const auto colon = options.service_account.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == options.service_account.size()) {
    throw UsageError("--serviceaccount " + options.service_account + " is not NAMESPACE:NAME",
                     "write for example ci:regsync");
  }
  return {"ServiceAccount", options.service_account.substr(colon + 1), options.service_account.substr(0, colon)};
}

Subject subject_of(const RbacOptions& options, const kube::Kubeconfig& kubeconfig, const std::string& context) {
  if (!options.user.empty() || !options.group.empty() || !options.service_account.empty()) {
    return given_subject(options);
  }
  std::string name;
  std::optional<Error> problem;
  for_each_context(
      kubeconfig, {context}, std::chrono::seconds(10),
      [&](kube::KubeClient& client) -> asio::awaitable<void> { name = co_await user_name_of(client); },
      [&](const std::string&, const Error& error) { problem = error; });
  if (problem) {
    throw problem->within("context " + context);
  }
  if (name.empty()) {
    throw UsageError("the API server of context " + context + " is too old to say who you are",
                     "say it: --user NAME, --group NAME or --serviceaccount NAMESPACE:NAME");
  }
  return {"User", name, ""};
}

// With many Secret names, regsync prefers watches by label. They need more than the minimal rights, so only print a
// hint.
void print_watch_hint(std::ostream& out, const std::vector<Target>& targets, const std::string& context,
                      const std::string& default_namespace, const Subject& subject) {
  Scope all;
  for (const Target& target : targets) {
    for (const auto& [secret, scope] : places_of(target, default_namespace).secrets) {
      all.merge(scope);
    }
  }
  const std::string to = subject.kind == "User" ? "--user=" + shell_word(subject.name)
                         : subject.kind == "Group"
                             ? "--group=" + shell_word(subject.name)
                             : "--serviceaccount=" + shell_word(subject.name_space + ":" + subject.name);
  const std::string name = watch_role_name(subject);
  const auto grant = [&](const std::string& where, const std::string& kind, const std::string& flag) {
    const std::string create = "#   kubectl --context " + shell_word(context) + where + " create ";
    out << printable_line(create + kind + " " + name + " --verb=list,watch --resource=secrets") << '\n'
        << printable_line(create + kind + "binding " + name + " --" + flag + "=" + name + " " + to) << '\n';
  };
  out << "# These are many Secrets to watch one by one, which works. One watch by label does for all of them, where\n"
         "# regsync may list and watch secrets without naming them. That right reads the Secrets of others too:\n";
  if (all.is_wide()) {
    grant("", "clusterrole", "clusterrole");
    return;
  }
  for (const auto& name_space : all.namespaces) {
    grant(" -n " + shell_word(name_space), "role", "role");
  }
}

int rbac(const RbacOptions& options, Console& console) {
  const AskedTargets asked = require_targets(options.targets, console);
  if (asked.targets.empty()) {
    return exit_not_as_asked;  // the reason was printed
  }
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  const std::string context = choose_context(options, kubeconfig, asked.targets);
  const kube::ResolvedContext resolved_context = kubeconfig.resolve(context);
  const Subject subject = subject_of(options, kubeconfig, context);

  std::vector<nlohmann::json> objects;
  std::vector<Target> selected;
  const FootprintStore footprints = known_footprints();
  for (const Target& target : asked.targets) {
    if (selects_context(target, context)) {
      selected.push_back(meant_in(target, resolved_context, footprints));
    } else if (!options.targets.empty()) {
      throw UsageError("target " + target.name + " does not select context " + context,
                       "its contexts: " + join(target.contexts));
    }
  }
  for (const Target& target : selected) {
    for (nlohmann::json& object : make_rbac(rights_of(target, resolved_context.default_namespace), subject)) {
      objects.push_back(std::move(object));
    }
  }
  if (options.format != Format::yaml) {
    print_structured(console.out, {{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}}, options.format);
    return asked.complete ? exit_done : exit_not_as_asked;
  }
  console.out << printable_line("# For context " + context + ", " + subject.kind + " " + subject.name +
                                ". Apply: regsync rbac ... | kubectl --context " + shell_word(context) + " apply -f -")
              << '\n';
  for (const nlohmann::json& object : objects) {
    console.out << "---\n" << to_yaml_text(object) << '\n';
  }
  if (selected.size() > few_watches) {
    print_watch_hint(console.out, selected, context, resolved_context.default_namespace, subject);
  }
  return asked.complete ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_rbac(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<RbacOptions>();
  CLI::App* command = add_command(
      app, "rbac", "Print the least rights that a target needs, for kubectl apply",
      {{"For the user of the current context", "regsync rbac myregcred | kubectl apply -f -"},
       {"For a service account, in another cluster",
        "regsync rbac myregcred --context prod --serviceaccount ci:regsync | kubectl --context prod apply -f -"}});
  command->add_option("NAME", options->targets, "Only these targets");
  command->add_option("--context", options->context, "The cluster (default: the current context)");
  CLI::Option* user = command->add_option("--user", options->user, "Grant to this user (default: who the context is)");
  CLI::Option* group = command->add_option("--group", options->group, "Grant to this group");
  command->add_option("--serviceaccount", options->service_account, "Grant to this ServiceAccount")
      ->type_name("NAMESPACE:NAME")
      ->excludes(user)
      ->excludes(group);
  group->excludes(user);
  add_output(command, options->format, {Format::json, Format::yaml});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, rbac);
}

}  // namespace regsync::cli
