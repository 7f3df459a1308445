// regsync add: declares a target, and keeps the login that it needs.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "helper/store/registry_key.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/suggest.hpp"
#include "sync/cli/ask/daemon_environment.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/ask/rivals.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

constexpr const char* hub = "https://index.docker.io/v1/";  // kubectl's default --docker-server

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
  std::string wait;  // a duration; empty: do not
  std::string docker_server;
  std::string docker_username;
  std::string docker_password;
  bool docker_password_stdin = false;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

void require_whole_login(const AddOptions& options) {
  const bool password = !options.docker_password.empty() || options.docker_password_stdin;
  if (options.docker_username.empty() && password) {
    throw UsageError("a password without --docker-username", "add --docker-username USER");
  }
  if (!options.docker_password.empty() && options.docker_password_stdin) {
    throw UsageError("--docker-password and --docker-password-stdin exclude each other", "use --docker-password-stdin");
  }
}

// The login given on the command line, as for `kubectl create secret docker-registry`; nothing where none was.
std::optional<Credential> given_login(const AddOptions& options, Console& console) {
  if (options.docker_username.empty()) {
    return std::nullopt;
  }
  Credential login{{options.docker_server.empty() ? hub : options.docker_server, options.docker_username}, {}};
  if (!options.docker_password.empty()) {
    console.err << "WARNING! Using --docker-password via the CLI is insecure. Use --docker-password-stdin.\n";
    login.secret = SecretString(options.docker_password);
  } else if (options.docker_password_stdin) {
    login.secret = read_password(console.in);
  } else if (console.in_is_terminal) {
    login.secret = ask_password(console, "Password for " + login.login.username + " at " + login.login.server);
  } else {
    throw UsageError("--docker-username without a password", "pipe it in: ... --docker-password-stdin < FILE");
  }
  if (login.secret.empty()) {
    throw UsageError("the password is empty");
  }
  return login;
}

std::vector<Login> pull_logins(CredentialStore& store) {
  std::vector<Login> logins = store.list();
  std::erase_if(logins, [](const Login& login) { return is_hub_token_entry(login.server); });
  return logins;
}

std::vector<std::string> logged_in_servers(Console& console) {
  std::vector<std::string> servers;
  for (const Login& login : pull_logins(*console.open_store(Prompt::never))) {
    servers.push_back(login.server);
  }
  return servers;
}

// Without --registry: the one login there is, or the person's choice.
std::vector<std::string> choose_registries(Console& console) {
  const std::vector<Login> logins = pull_logins(*console.open_store(Prompt::allowed));
  if (logins.empty()) {
    throw UsageError("no logins in the keyring",
                     "log in: docker login REGISTRY (once: regsync setup), or give --docker-server, --docker-username "
                     "and --docker-password-stdin");
  }
  if (logins.size() == 1) {
    return {logins.front().server};
  }

  std::vector<std::string> servers;
  std::vector<std::string> lines;
  servers.reserve(logins.size());
  lines.reserve(logins.size());
  for (const Login& login : logins) {
    servers.push_back(login.server);
    lines.push_back(login.server + " (" + login.username + ")");
  }
  if (!console.in_is_terminal || !console.out_is_terminal) {
    throw UsageError("several logins are possible: " + join(lines), "choose one: --registry " + servers.front());
  }
  std::vector<std::string> chosen;
  for (const std::size_t i : choose(console, "Registries for the Secret", lines)) {
    chosen.push_back(servers[i]);
  }
  return chosen;
}

std::vector<std::string> context_names(const AddOptions& options, const kube::Kubeconfig& kubeconfig) {
  if (!options.contexts.empty()) {
    require_contexts(kubeconfig, options.contexts);
    return options.contexts;
  }
  if (kubeconfig.current_context().empty()) {
    throw UsageError("the kubeconfig has no current context",
                     kubeconfig.contexts().empty() ? "set KUBECONFIG, or give --kubeconfig FILE"
                                                   : "choose one: --context " + kubeconfig.contexts().front());
  }
  return {kubeconfig.current_context()};
}

// The namespaces that are meant. Without -n it is the contexts' current one, as it is now: it is written down, so that
// kubens and its like do not move the Secret later.
std::vector<std::string> namespaces_meant(const AddOptions& options, const std::vector<std::string>& contexts,
                                          const kube::Kubeconfig& kubeconfig) {
  if (!options.namespaces.empty() || !options.namespace_selector.empty()) {
    return options.namespaces;
  }
  std::map<std::string, std::string> current;  // context by namespace
  for (const std::string& context : select_contexts(kubeconfig, contexts)) {
    current.emplace(kubeconfig.resolve(context).default_namespace, context);
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
  try {
    target.namespace_selector = LabelSelector::parse(options.namespace_selector);
    validate(target);
  } catch (const Error& error) {
    throw UsageError(error.message(), error.remedy());
  }
  return target;
}

// A registry nobody is logged in to is no error: the login may come later, and then it is synced at once.
void warn_of_missing_logins(const Target& target, Console& console) {
  const KnownLogins known = read_logins(console, {target}, Prompt::never);
  if (known.store_problem) {
    console.err << "warning: cannot see whether you are logged in: " << printable(describe(*known.store_problem))
                << '\n';
    return;
  }
  for (const std::string& registry : target.registries) {
    Target one = target;
    one.registries = {registry};
    const Plan plan = make_plan(one, known);
    for (const Error& problem : plan.problems) {
      const std::string meant =
          problem.code() == ErrorCode::not_found ? closest(registry, logged_in_servers(console)) : std::string();
      console.err << "warning: "
                  << printable(meant.empty() ? describe(problem)
                                             : problem.message() + "; did you mean \"" + meant + "\"?")
                  << '\n';
    }
  }
}

// What the file is now. Throws already_exists where another target of that name may not be replaced.
std::optional<Target> target_before(const Target& target, const AddOptions& options) {
  std::optional<Target> before = declared(target.name);
  if (outcome_of(before, target) == Outcome::replaced && !options.replace) {
    throw Error(ErrorCode::already_exists, "target \"" + target.name + "\" exists with different settings",
                "regsync edit " + target.name + ", or give --replace");
  }
  return before;
}

// A replacement may delete Secrets, and a login may take the place of somebody else's: both are shown first, and a
// person at a terminal is asked.
void require_consent(const std::optional<Target>& before, const Target& target, const std::optional<Credential>& login,
                     const AddOptions& options, Console& console) {
  std::string question;
  if (outcome_of(before, target) == Outcome::replaced) {
    const Preview changes = preview(console, load_kubeconfig(options.kubeconfig), {before, target});
    console.err << "replacing target \"" << target.name << "\":\n" << describe(changes);
    question = "Replace it?";
  }
  if (login) {
    const auto kept = console.open_store(Prompt::allowed)->get(login->login.server);
    if (kept && kept->login.username != login->login.username) {
      console.err << one_line("replacing the login of " + kept->login.username + " at " + kept->login.server +
                              " by that of " + login->login.username)
                  << '\n';
      question = question.empty() ? "Replace the login?" : "Replace both?";
    }
  }
  if (!question.empty() && console.in_is_terminal && !options.yes && !options.docker_password_stdin &&
      !confirm(console, question)) {
    throw Error(ErrorCode::cancelled, "nothing was changed");
  }
}

void announce(const Target& target, Outcome outcome, Console& console) {
  console.out << "target \"" << target.name << "\" " << to_string(outcome) << ": "
              << one_line(join(target.registries) + " -> Secret " + target.secret + " in " + join(target.contexts))
              << '\n';
}

// Why nothing is there after a wait, with the nearest namespace that exists.
Error selects_nothing(const Target& target, const AddOptions& options) {
  std::set<std::string> existing;
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  for_each_context(
      kubeconfig, select_contexts(kubeconfig, target.contexts), std::chrono::seconds(5),
      [&](kube::KubeClient& client) -> asio::awaitable<void> {
        const std::vector<std::string> names = co_await namespace_names(client);
        existing.insert(names.begin(), names.end());
      },
      [](const std::string&, const Error&) {});
  std::string remedy = "it will be synced when such a namespace is made";
  for (const std::string& name_space : target.namespaces) {
    if (const std::string meant = closest(name_space, {existing.begin(), existing.end()}); !meant.empty()) {
      remedy = "did you mean -n " + shell_word(meant) + "? " + remedy;
    }
  }
  return {ErrorCode::not_found, "target \"" + target.name + "\" selects no namespace in " + join(target.contexts),
          remedy};
}

// Makes it so now, through the daemon that a person who waits has been connected to; else leaves it to the daemon,
// which watches the folder.
int hand_over(const Target& target, Outcome outcome, ControlClient* daemon, const AddOptions& options,
              Console& console) {
  const bool text = options.format == Format::table || options.format == Format::wide;
  if (daemon == nullptr) {
    if (text) {
      announce(target, outcome, console);
    }
    if (!text) {
      print_target(console.out, target, options.format);
    }
    if (!connect_if_running()) {
      console.err << as_called(
          "note: regsyncd is not running, so nothing is synced yet; start it: regsync setup, or "
          "sync once: regsync sync " +
          target.name + " --once\n");
    }
    return exit_done;
  }
  const auto time = duration_of(options.wait.empty() ? "30s" : options.wait, "--wait");
  const auto started = std::chrono::steady_clock::now();
  const StatusReport report =
      sync_and_wait(console, *daemon, target.name, options.adopt, time, options.format != Format::table);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  if (text) {
    announce(target, outcome, console);
  }
  if (report.rows.empty() && report.groups.empty() && reached(report)) {
    print_error(console.err, selects_nothing(target, options));
    return exit_not_as_asked;
  }
  if (text && !reached(report)) {
    console.err << one_line(std::string(is_stuck(report)
                                            ? "it cannot be in sync yet"
                                            : "not in sync after " + (options.wait.empty() ? "30s" : options.wait)) +
                            ": " + waited_for(report))
                << '\n';
  }
  if (!text || !reached(report)) {
    print_report(console, report, options.format);
  }
  if (text && reached(report)) {
    console.out << summary(report) << " (" << took.count() << " ms)\n";
  }
  return reached(report) ? exit_done : exit_not_as_asked;
}

int add(const AddOptions& options, Console& console) {
  if (!options.wait.empty()) {
    duration_of(options.wait, "--wait");
  }
  dry_run_of(options.dry_run);
  require_whole_login(options);
  // All that can be wrong is found out before anything is kept.
  std::vector<std::string> registries = options.registries;
  if (registries.empty() && !options.docker_server.empty()) {
    registries = {options.docker_server};
  }
  if (registries.empty() && !options.docker_username.empty()) {
    registries = {hub};
  }
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  std::vector<std::string> contexts = context_names(options, kubeconfig);
  std::vector<std::string> namespaces = namespaces_meant(options, contexts, kubeconfig);
  if (registries.empty()) {
    registries = choose_registries(console);
  }
  const Target target = make_target(options, std::move(registries), std::move(contexts), std::move(namespaces));

  refuse_rival(target, TargetDirectory(paths::targets()).load(), kubeconfig);

  const std::optional<Target> before = target_before(target, options);
  if (const DryRun dry_run = dry_run_of(options.dry_run); dry_run != DryRun::none) {
    if (options.format == Format::table) {
      console.out << "# " << paths::targets().string() << '/' << target.name << ".yaml (dry run)\n" << to_yaml(target);
    } else {
      print_target(console.out, target, options.format);
    }
    if (dry_run == DryRun::server) {
      console.err << describe(preview(console, load_kubeconfig(options.kubeconfig), {before, target}));
    }
    return exit_done;
  }
  const auto daemon = options.wait.empty() && !options.adopt ? nullptr : connect();
  const auto login = given_login(options, console);
  require_consent(before, target, login, options, console);
  if (login) {
    console.open_store(Prompt::allowed)->store(*login);
  }
  const Outcome outcome = outcome_of(before, target);
  if (outcome != Outcome::unchanged) {
    write_target(target);
  }
  warn_of_missing_logins(target, console);
  warn_of_environment(console, options.kubeconfig, target.contexts);
  return hand_over(target, outcome, daemon.get(), options, console);
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
  command->add_option("--docker-server", options->docker_server,
                      "Registry of the login given here (default: Docker Hub)");
  command->add_option("--docker-username", options->docker_username, "User name of the login");
  command->add_option("--docker-password", options->docker_password, "Its password (insecure; see the next)");
  command->add_flag("--docker-password-stdin", options->docker_password_stdin, "Read its password from standard input");
  add_output(command, options->format, {Format::json, Format::yaml, Format::name, Format::wide});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, add);
}

}  // namespace regsync::cli
