// regsync add: declares a target and stores the login that it needs.
#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <utility>

#include "helper/base/guarded.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_environment.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/given_login.hpp"
#include "sync/cli/ask/hand_over.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/ask/rivals.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/kubelet_keyring.hpp"

namespace regsync::cli {
namespace {

struct AddOptions {
  std::string name;
  std::string secret;
  std::vector<std::string> registries;
  std::vector<std::string> contexts;
  std::vector<std::string> namespaces;
  std::string namespace_selector;
  std::vector<std::string> exclude_namespaces;
  std::vector<std::string> service_accounts;
  std::string email;
  std::string on_logout = "keep";
  bool adopt = false;
  bool heal = false;
  bool pin = false;
  bool replace = false;
  bool yes = false;
  std::string dry_run;
  std::string wait;  // as given; see wait_of
  GivenLogin login;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

std::vector<std::string> context_names(const AddOptions& options, const kube::Kubeconfig& kubeconfig) {
  if (!options.contexts.empty()) {
    require_contexts(kubeconfig, options.contexts);
    return options.contexts;
  }
  return {require_current_context(kubeconfig)};
}

// Returns the target's namespaces. Without -n it is the contexts' current one, which is written to the file, so that
// kubens and similar tools do not move the Secret later.
std::vector<std::string> namespaces_meant(const AddOptions& options, const std::vector<std::string>& contexts,
                                          const kube::Kubeconfig& kubeconfig) {
  if (!options.namespaces.empty() || !options.namespace_selector.empty()) {
    return options.namespaces;
  }
  std::map<std::string, std::string> current;  // context by namespace
  std::optional<Error> unusable;
  for (const std::string& context : select_contexts(kubeconfig, contexts)) {
    auto problem = guarded([&] { current.emplace(kubeconfig.resolve(context).default_namespace, context); });
    if (problem && std::ranges::find(contexts, context) != contexts.end()) {
      throw Error(*problem);
    }
    if (problem) {  // selected by a glob only, so the others decide
      unusable = std::move(problem);
    }
  }
  if (current.empty() && unusable) {
    throw Error(*unusable);
  }
  if (current.size() > 1) {
    const auto& [one, first] = *current.begin();
    const auto& [other, second] = *current.rbegin();
    throw UsageError(
        "the contexts have different current namespaces: " + first + " has " + one + ", " + second + " has " + other,
        "choose one: -n " + one);
  }
  return current.empty() ? std::vector<std::string>() : std::vector{current.begin()->first};
}

Target make_target(const AddOptions& options, std::vector<std::string> registries, std::vector<std::string> contexts,
                   std::vector<std::string> namespaces) {
  Target target;
  target.name = options.name;
  target.secret = options.secret.empty() ? options.name : options.secret;
  target.registries = std::move(registries);
  target.contexts = std::move(contexts);
  target.namespaces = std::move(namespaces);
  target.exclude_namespaces = options.exclude_namespaces;
  target.service_accounts = options.service_accounts;
  target.email = options.email;
  target.heal = options.heal;
  target.pin = options.pin;
  target.on_logout = options.on_logout == "remove" ? OnLogout::remove : OnLogout::keep;
  as_typed([&] {
    target.namespace_selector = LabelSelector::parse(options.namespace_selector);
    validate(target);
  });
  return target;
}

Adoption adoption_of(const AddOptions& options) { return options.adopt ? Adoption::all : Adoption::none; }

// Returns the target in the present file. Throws already_exists if it must not be replaced.
std::optional<Target> target_before(const Target& target, const AddOptions& options) {
  std::optional<Target> before = declared(target.name);
  if (result_of(before, target) == DeclareResult::replaced && !options.replace) {
    throw Error(ErrorCode::already_exists, "target \"" + target.name + "\" exists with different settings",
                "regsync edit " + target.name + ", or give --replace");
  }
  return before;
}

// Returns the target's plan with the given login stored; nullptr if no login is given.
std::shared_ptr<const Plan> plan_with(const std::optional<Credential>& login, const Target& target, Console& console) {
  if (!login) {
    return nullptr;
  }
  KnownLogins known = read_logins(console, {target}, Prompt::never);
  const RegistryKey key(login->login.server);
  known.credentials[key] = std::make_shared<const Credential>(login->clone());
  known.problems.erase(key);
  return std::make_shared<const Plan>(make_plan(target, known));
}

// Previews the command's changes in the clusters with the given login.
Preview preview_of(const std::optional<Target>& before, const Target& target, const std::optional<Credential>& login,
                   const AddOptions& options, Console& console) {
  return preview(
      console, load_kubeconfig(options.kubeconfig),
      {.before = before, .after = target, .plan = plan_with(login, target, console), .adoption = adoption_of(options)});
}

// The heading of a preview. It lists the fields that the replacement drops because no option gives them, such as a
// pause.
std::string heading_of(const std::optional<Target>& before, const Target& target) {
  std::string name = "target \"" + target.name + "\":";
  if (result_of(before, target) != DeclareResult::replaced) {
    return name;
  }
  const std::vector<std::string> dropped = dropped_fields(*before, target);
  return "replacing " + name + (dropped.empty() ? "" : "\n" + printable_line("  no longer: " + join(dropped)));
}

// Prints which user's login in the keyring the given one replaces. Returns false if it replaces no other user's.
bool tell_of_replaced_login(const Credential& login, Console& console, Prompt prompt) {
  const auto kept = console.open_store(prompt)->get(login.login.server);
  if (!kept || kept->login.username == login.login.username) {
    return false;
  }
  print_folded(console.err, printable_line("replacing the login of " + kept->login.username + " at " +
                                           kept->login.server + " by that of " + login.login.username) +
                                '\n');
  return true;
}

// Shows what the command would do, and asks a person at a terminal: a replacement may delete Secrets, --adopt
// overwrites those of others, and a login may replace another user's.
void require_consent(const std::optional<Target>& before, const Target& target, const std::optional<Credential>& login,
                     const AddOptions& options, Console& console) {
  std::string question;
  const bool asks = console.in_is_terminal && !options.yes && !options.login.password_stdin;
  const bool replaces = result_of(before, target) == DeclareResult::replaced;
  if (replaces || (options.adopt && asks)) {
    const Preview changes = preview_of(before, target, login, options, console);
    if (replaces || changes.may_take_over()) {
      print_preview(console, console.err, heading_of(before, target), changes);
      question = replaces ? "Replace it?" : "Take them over?";
    }
  }
  if (login && tell_of_replaced_login(*login, console, Prompt::allowed)) {
    question = question.empty() ? "Replace the login?" : replaces ? "Replace both?" : "Do both?";
  }
  if (!question.empty() && asks && !confirm(console, question)) {
    throw Error(ErrorCode::cancelled, "nothing was changed");
  }
}

// Returns the given login for a registry of the target. A login for another registry would replace the one there.
GivenLogin login_for(const Target& target, GivenLogin given) {
  if (given.username.empty()) {
    return given;
  }
  if (given.server.empty() && target.registries.size() > 1) {
    throw UsageError("--docker-username without --docker-server, and several registries: " + join(target.registries),
                     "say whose login it is: --docker-server " + shell_word(target.registries.front()));
  }
  if (given.server.empty()) {
    given.server = target.registries.front();
  }
  if (!wanted_registries(target).contains(RegistryKey(given.server))) {
    throw UsageError(
        "the login is for " + given.server + ", which the target does not use: " + join(target.registries),
        "add --registry " + shell_word(given.server) + ", or log in there: regsync login " + shell_word(given.server));
  }
  return given;
}

// Returns the duration to wait; empty: do not wait. Throws UsageError.
std::string wait_of(const std::string& given) {
  if (given == "true" || given == "false") {  // as in kubectl
    return given == "true" ? default_wait : "";
  }
  if (!given.empty()) {
    duration_of(given, "--wait");
  }
  return given;
}

// All names of Docker Hub are one registry here; the login is written so that kubelet finds it for docker.io.
void warn_of_hub_aliases(const Target& target, Console& console) {
  for (const std::string& registry : target.registries) {
    std::string_view host = registry;
    if (const auto scheme = host.find("://"); scheme != std::string_view::npos) {
      host.remove_prefix(scheme + 3);
    }
    host = host.substr(0, host.find('/'));
    host.remove_prefix(host.rfind('@') + 1);  // the account; npos + 1 is 0
    if (is_hub_alias(to_lower(host))) {
      tell(console.err, "warning: kubelet finds the login for images of docker.io, and not for those of " +
                            std::string(host) + ": name them docker.io/NAME\n");
    }
  }
}

// Shows what would be declared; with `server`, also what the target and the login would change.
void show(const std::optional<Target>& before, const Target& target, const GivenLogin& given, const AddOptions& options,
          Console& console) {
  const bool asks_clusters = dry_run_of(options.dry_run) == DryRun::server;
  const bool is_given = !given.password.empty() || given.password_stdin;  // otherwise it would have to prompt
  const auto login = asks_clusters && is_given ? read_login(given, console) : std::nullopt;
  if (options.format == Format::table) {
    print_folded(console.out, "# " + paths::targets().string() + '/' + target.name + ".yaml (dry run)\n");
    console.out << to_yaml(target);
  } else {
    print_target(console.out, target, options.format);
  }
  if (asks_clusters) {
    print_preview(console, console.err, heading_of(before, target),
                  preview_of(before, target, login, options, console));
  } else if (before && !dropped_fields(*before, target).empty()) {
    print_folded(console.err, heading_of(before, target) + '\n');
  }
  if (login) {
    // The preview reports an unreadable keyring.
    (void)guarded([&] { tell_of_replaced_login(*login, console, Prompt::never); });
  }
}

int add(const AddOptions& options, Console& console) {
  const std::string wait = wait_of(options.wait);
  dry_run_of(options.dry_run);
  require_whole(options.login);
  // Check everything before anything is stored.
  std::vector<std::string> registries = options.registries;
  if (registries.empty() && !options.login.server.empty()) {
    registries = {options.login.server};
  }
  if (registries.empty() && !options.login.username.empty()) {
    registries = {docker_hub};
  }
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  std::vector<std::string> contexts = context_names(options, kubeconfig);
  std::vector<std::string> namespaces = namespaces_meant(options, contexts, kubeconfig);
  if (registries.empty()) {
    registries = choose_registries(console);
  }
  const Target target = make_target(options, std::move(registries), std::move(contexts), std::move(namespaces));
  const GivenLogin given = login_for(target, options.login);

  refuse_rival(target, TargetDirectory(paths::targets()).load(), kubeconfig);

  const std::optional<std::string> text_before = declared_text(target.name);
  const std::optional<Target> before = target_before(target, options);
  if (dry_run_of(options.dry_run) != DryRun::none) {
    show(before, target, given, options, console);
    return exit_done;
  }
  const auto daemon = wait.empty() && !options.adopt ? nullptr : connect();
  const auto login = read_login(given, console);
  require_consent(before, target, login, options, console);
  if (login) {
    console.open_store(Prompt::allowed)->store(*login);
  }
  const DeclareResult result = result_of(before, target);
  if (result != DeclareResult::unchanged) {
    write_target(console, target, std::nullopt, text_before);
  }
  warn_of_missing_logins(target, console);
  warn_of_hub_aliases(target, console);
  warn_of_environment(console, options.kubeconfig, target.contexts);
  return hand_over(target, result, daemon.get(),
                   {.wait = wait, .adopt = options.adopt, .kubeconfig = options.kubeconfig, .format = options.format},
                   console);
}

}  // namespace

void define_add(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<AddOptions>();
  CLI::App* command = add_command(
      app, "add", "Declare a target: which logins become which Secret, in which contexts and namespaces",
      {{"The login for ghcr.io as Secret myregcred, in the current context and its namespace",
        "regsync add myregcred --registry ghcr.io"},
       {"In several clusters and namespaces, and wait until it is there",
        "regsync add myregcred --registry ghcr.io --context dev --context 'prod-*' -n team-a -n team-b --wait"},
       {"In every namespace with a label, attached to its default ServiceAccount",
        "regsync add myregcred --registry ghcr.io --namespace-selector 'env in (prod)' --service-account default"},
       {"With the flags of kubectl create secret docker-registry; the login goes to the keyring",
        "regsync add myregcred --docker-server ghcr.io --docker-username me --docker-password-stdin < token"}});
  command->add_option("NAME", options->name, "Name of the target, and of the Secret unless --secret-name is given")
      ->required();
  add_strings(command, "--registry", options->registries, "Registry whose login to use; may be repeated");
  add_strings(command, "--context", options->contexts,
              "Kubeconfig context, or a glob of them; may be repeated (default: the current context)");
  add_strings(command, "-n,--namespace", options->namespaces,
              "Namespace, or a glob of them; may be repeated (default: the one that the context has now)");
  command->add_option("--namespace-selector", options->namespace_selector,
                      "Namespaces by their labels, in Kubernetes' syntax: 'env in (prod),tier!=db'");
  add_strings(command, "--exclude-namespace", options->exclude_namespaces,
              "Never there; a name or glob; may be repeated");
  add_strings(command, "--service-account", options->service_accounts,
              "ServiceAccount to attach the Secret to (imagePullSecrets); may be repeated");
  command->add_option("--email,--docker-email", options->email, "E-mail address for the entries of the Secret");
  command->add_option("--secret-name", options->secret, "Name of the Secret (default: NAME)");
  command->add_option("--on-logout", options->on_logout, "Keep or remove the Secret after a logout (default: keep)")
      ->check(CLI::IsMember({"keep", "remove"}))
      ->type_name("keep|remove");
  command->add_flag("--heal", options->heal,
                    "Evict pods that cannot pull once what they wait for was repaired, so that new ones start");
  command->add_flag("--pin", options->pin,
                    "Make nothing in a context that leads to another cluster than before, until it is trusted");
  command->add_flag("--adopt", options->adopt, "Take over Secrets of that name which others made");
  command->add_flag("--replace", options->replace, "Replace the target if it exists");
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run);
  command->add_flag("--wait{30s}", options->wait, "Return when the Secrets are there; --wait=2m for longer than 30s")
      ->type_name("[=DURATION]");
  command->add_option("--docker-server", options->login.server,
                      "Registry of the login given here (default: that of the target, else Docker Hub)");
  command->add_option("--docker-username", options->login.username, "User name of the login");
  command->add_option("--docker-password", options->login.password, "Its password (insecure; see the next)");
  command->add_flag("--docker-password-stdin", options->login.password_stdin, "Read its password from standard input");
  add_output(command, options->format, {Format::json, Format::yaml, Format::name, Format::wide});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, add);
}

}  // namespace regsync::cli
