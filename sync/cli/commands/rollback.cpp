// regsync rollback: restores the login that was replaced by the present one.
#include <ostream>
#include <string>
#include <vector>

#include "helper/store/registry_key.hpp"
#include "sync/cli/ask/asked_login.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/model/login_keeper.hpp"

namespace regsync::cli {
namespace {

struct RollbackOptions {
  std::string registry;
  std::string account;
  std::string timeout = "60s";
  std::string dry_run;
};

// Otherwise only Docker would get another login, and the clusters would not change.
void require_in_keyring(const RegistryKey& key) {
  if (const LoginKeeper keeper = keeper_beside_keyring(key); !keeper.is_keyring()) {
    throw Error(ErrorCode::login_missing,
                "targets take the login for " + key.value() + " from " + keeper.name() +
                    ", not from the keyring; nothing was changed",
                how_to_renew(key, keeper));
  }
}

// Keeps the present login, so that a second rollback undoes this one.
void keep_replaced(CredentialStore& replaced, const Credential& login, Console& console) {
  try {
    replaced.store(login);
  } catch (const Error& error) {
    tell(console.err, "warning: the login that it replaces is not kept, so no rollback brings that back: " +
                          printable_line(describe(error)) + '\n');
  }
}

int rollback(const RollbackOptions& options, Console& console) {
  const RegistryKey key = asked_login(options.registry, options.account);
  const auto time = duration_of(options.timeout, "--timeout");
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  require_in_keyring(key);
  const auto replaced = console.open_replaced();
  const std::optional<Credential> before = replaced->get(key.value());
  if (!before) {
    throw Error(ErrorCode::login_missing, "no earlier login for " + key.value() + " is kept",
                "regsyncd keeps one for a day after it was replaced; log in with it: " + login_command(key));
  }
  const auto store = console.open_store(Prompt::allowed);
  const std::optional<Credential> now = store->get(key.value());
  if (dry_run) {
    console.out << "login of " << printable_line(before->login.username) << " for " << key.value()
                << " would be put back (dry run)\n";
    return exit_done;
  }
  store->store(*before);
  console.out << "login of " << printable_line(before->login.username) << " for " << key.value() << " is back\n";
  if (now) {
    keep_replaced(*replaced, *now, console);
  }
  const std::vector<std::string> targets = targets_that_use(key);
  if (targets.empty()) {
    return exit_done;
  }
  const auto daemon = connect_if_running();
  if (!daemon) {
    tell(console.err, "regsyncd is not running; bring the login into the clusters: regsync sync --once\n");
    return exit_not_as_asked;
  }
  const StatusReport report = sync_and_wait(console, *daemon, targets, false, time);
  if (!report.all_in_sync()) {
    print_report(console, report, Format::table);
    return exit_not_as_asked;
  }
  print_folded(console.out, summary(report) + '\n' + render_notes(report));
  return exit_done;
}

}  // namespace

void define_rollback(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<RollbackOptions>();
  CLI::App* command =
      add_command(app, "rollback", "Put back the login that a registry had before, in every cluster",
                  {{"The new token does not pull everything: take the old one again", "regsync rollback ghcr.io"}});
  command->add_option("REGISTRY", options->registry, "Whose login; or ACCOUNT@REGISTRY")->required();
  command->add_option("--account", options->account, "Which account's, where the registry has several")
      ->type_name("NAME");
  add_dry_run(command, options->dry_run, "Say which login would be put back, and change nothing");
  command->add_option("--timeout", options->timeout, "How long to wait for the clusters (default: 60s)")
      ->type_name("DURATION");
  on_command(command, invocation, options, rollback);
}

}  // namespace regsync::cli
