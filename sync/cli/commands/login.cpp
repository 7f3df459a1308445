// regsync login and logout: like docker's, for registries with several logins. `docker login` keeps one login for each
// registry; a login of an account ("work@ghcr.io") is kept in addition, and Docker's clients do not see it.
#include <istream>
#include <ostream>

#include "helper/base/guarded.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/cli/ask/asked_login.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/preview.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/config/settings.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/logins/registry_client.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/login_keeper.hpp"

namespace regsync::cli {
namespace {

struct LoginOptions {
  std::string registry;
  std::string account;
  std::string username;
  bool password_stdin = false;
  bool no_verify = false;
  std::string dry_run;
};

Credential read_login(const LoginOptions& options, const RegistryKey& key, Console& console) {
  if (options.password_stdin && options.username.empty()) {
    throw UsageError("--password-stdin without --username", "add --username USER");
  }
  if (!console.in_is_terminal && !options.password_stdin) {
    throw UsageError(
        "there is no terminal to ask for the password at",
        "pipe it in: regsync login " + shell_word(options.registry) + " --username USER --password-stdin < FILE");
  }
  Credential login;
  login.login.server = key.account().empty() ? key.auths_key() : key.value();
  login.login.username = options.username.empty() ? ask_line(console, "Username for " + key.value()) : options.username;
  if (login.login.username.empty()) {  // before a password is typed in vain
    throw UsageError("the user name is empty", "give one, here or with --username USER");
  }
  login.secret = options.password_stdin
                     ? read_password(console.in)
                     : ask_password(console, "Password for " + login.login.username + " at " + key.value());
  if (login.secret.empty()) {
    throw UsageError("the password is empty", "give it here, or pipe it in: --password-stdin < FILE");
  }
  require_storable(login);
  return login;
}

PullAnswer ask_registry(const Credential& login, const RegistryKey& key) {
  return run_to_end(try_login(std::string(key.host()), login_of(login)));
}

// Like docker login, does not store a login that the registry refuses.
void require_accepted(const Credential& login, const RegistryKey& key, Console& console) {
  const PullAnswer answer = ask_registry(login, key);
  if (answer.verdict == PullVerdict::denied) {
    throw Error(
        ErrorCode::login_denied,
        key.value() + " refuses the login of " + login.login.username + ": " + answer.detail + "; nothing was stored",
        "see that user name and password are right, and try again");
  }
  if (answer.verdict != PullVerdict::can_pull) {
    print_folded(console.err, "warning: the login was not tried: " + printable_line(answer.detail) + '\n');
  }
}

// Returns what provides the registry's login to targets, and prints a note if the keyring's login does not affect them.
// Ignores unreadable files, which `regsync status` reports.
LoginKeeper tell_keeper(const RegistryKey& key, Console& console) {
  LoginKeeper keeper;
  static_cast<void>(guarded([&] { keeper = keeper_beside_keyring(key); }));
  if (!keeper.is_keyring()) {
    print_folded(console.err, "note: targets take the login for " + key.value() + " from " +
                                  printable_line(keeper.name()) + ", not from the keyring\n");
  }
  return keeper;
}

int login(const LoginOptions& options, Console& console) {
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  const RegistryKey key = asked_login(options.registry, options.account);
  const Credential login = read_login(options, key, console);
  if (!options.no_verify) {
    require_accepted(login, key, console);
  }
  const auto store = console.open_store(Prompt::allowed);
  const std::optional<Credential> kept = store->get(login.login.server);
  const bool replaces = kept && kept->login.username != login.login.username;
  if (!dry_run) {
    store->store(login);
  }
  console.out << "login of " << printable_line(login.login.username) << " for " << key.value()
              << (dry_run ? " would be stored" : " stored") << " in the keyring"
              << (replaces ? ", in place of that of " + printable_line(kept->login.username) : std::string()) << '\n';
  tell_keeper(key, console);
  if (targets_that_use(key).empty()) {
    tell(console.err, "No target uses it yet. Use it: regsync add NAME --registry " + shell_word(key.value()) + "\n");
  }
  return exit_done;
}

struct LogoutOptions {
  std::string registry;
  std::string account;
  bool yes = false;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
};

// Returns the engine's plans for the targets that delete their Secrets once the login of `key` is gone. Another
// registry without a login may have had one: announce too much rather than delete without notice.
std::vector<std::shared_ptr<const Plan>> plans_that_remove(const RegistryKey& key, Console& console) {
  std::vector<Target> targets;
  for (const auto& [name, file] : TargetDirectory(paths::targets()).load()) {
    if (file.target && file.target->on_logout == OnLogout::remove && !file.target->paused &&
        wanted_registries(*file.target).contains(key)) {
      targets.push_back(*file.target);
    }
  }
  if (targets.empty()) {
    return {};
  }
  KnownLogins left = read_logins(console, targets, Prompt::never);
  left.credentials.erase(key);
  left.gone = left.asked;
  std::vector<std::shared_ptr<const Plan>> plans;
  for (const Target& target : targets) {
    if (Plan plan = make_plan(target, left); plan.remove) {
      plans.push_back(std::make_shared<const Plan>(std::move(plan)));
    }
  }
  return plans;
}

// Prints the targets whose file is unusable: a regsyncd that read an earlier version still uses that, and it may have
// onLogout: remove. Returns false if there is none.
bool tell_of_unreadable_targets(Console& console) {
  const TargetDirectory directory(paths::targets());
  bool any = false;
  for (const auto& [name, file] : directory.load()) {
    if (file.target || !file.problem || !directory.contains(name)) {  // a *.yml file is never a target
      continue;
    }
    any = true;
    print_folded(console.err,
                 printable("target \"" + name +
                           "\" cannot be read; its last good version counts where regsyncd has one, and may delete "
                           "its Secrets\n  " +
                           file.problem->message()) +
                     '\n');
  }
  return any;
}

// Shows which Secrets would be deleted with the login, and asks a person at a terminal. False: the login stays.
bool is_wanted(const LogoutOptions& options, const RegistryKey& key, DryRun dry_run, Console& console) {
  const auto plans = plans_that_remove(key, console);
  std::optional<kube::Kubeconfig> kubeconfig;
  if (!plans.empty() && dry_run != DryRun::client) {
    kubeconfig = load_kubeconfig(options.kubeconfig);
  }
  for (const auto& plan : plans) {
    const Target& target = plan->target;
    std::string text = "target \"" + target.name + "\" removes its Secrets after the logout (onLogout: remove)\n";
    if (kubeconfig) {
      text += describe(preview(console, *kubeconfig, {target, target, plan}));
    }
    print_folded(console.err, text);
  }
  const bool may_remove = tell_of_unreadable_targets(console) || !plans.empty();
  const bool asks = console.in_is_terminal && !options.yes && dry_run == DryRun::none && may_remove;
  return !asks || confirm(console, "Log out?");
}

int logout(const LogoutOptions& options, Console& console) {
  const DryRun dry_run = dry_run_of(options.dry_run);
  const RegistryKey key = asked_login(options.registry, options.account);
  const auto store = console.open_store(Prompt::allowed);
  const bool is_there = store->get(key.value()).has_value();
  const bool is_used = tell_keeper(key, console).is_keyring();
  if (is_there && is_used && !is_wanted(options, key, dry_run, console)) {
    throw Error(ErrorCode::cancelled, "nothing was changed");
  }
  if (!is_there || (dry_run == DryRun::none && !store->erase(key.value()))) {
    throw Error(ErrorCode::not_found, "the keyring has no login for " + key.value(),
                "see which there are: regsync logins");
  }
  console.out << "login for " << key.value() << (dry_run == DryRun::none ? " removed" : " would be removed")
              << " from the keyring\n";
  return exit_done;
}

void add_account(CLI::App* command, std::string& account) {
  command->add_option("--account", account, "Your own name for this login, where the registry has several")
      ->type_name("NAME");
}

}  // namespace

void define_login(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<LoginOptions>();
  CLI::App* command =
      add_command(app, "login", "Log in to a registry, as one of several accounts where there are several",
                  {{"A second login for ghcr.io, which docker login does not replace; targets name it work@ghcr.io",
                    "regsync login --account work ghcr.io"},
                   {"From a file", "regsync login --account ci ghcr.io --username robot --password-stdin < token"}});
  command->add_option("REGISTRY", options->registry, "Where to log in; or ACCOUNT@REGISTRY")->required();
  add_account(command, options->account);
  command->add_option("-u,--username", options->username, "User name (default: it is asked for)")->type_name("USER");
  command->add_flag("--password-stdin", options->password_stdin, "Read the password from standard input");
  command->add_flag("--no-verify", options->no_verify, "Store the login without trying it at the registry");
  add_dry_run(command, options->dry_run, "Try the login, and store nothing");
  on_command(command, invocation, options, login);
}

void define_logout(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<LogoutOptions>();
  CLI::App* command =
      add_command(app, "logout", "Remove a login from the keyring; onLogout of each target decides about its Secrets",
                  {{"The login of an account", "regsync logout --account work ghcr.io"}});
  command->add_option("REGISTRY", options->registry, "Whose login; or ACCOUNT@REGISTRY")->required();
  add_account(command, options->account);
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run);
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, logout);
}

}  // namespace regsync::cli
