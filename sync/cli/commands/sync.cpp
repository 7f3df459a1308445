// regsync sync: syncs now and waits for the result.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "sync/base/paths.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/local_engine.hpp"
#include "sync/cli/ask/preview.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/settings.hpp"
#include "sync/engine/owner_file.hpp"

namespace regsync::cli {
namespace {

struct SyncOptions {
  std::vector<std::string> targets;
  bool once = false;
  bool adopt = false;
  bool yes = false;
  std::string dry_run;
  std::string owner;
  std::vector<std::filesystem::path> logins;
  std::string timeout;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

// Whether this is a CI runner or a pod, whose disk usually does not outlive it; `container` is set by podman and
// systemd-nspawn.
bool is_throwaway_machine() {
  return std::ranges::any_of(std::array{"CI", "KUBERNETES_SERVICE_HOST", "container"},
                             [](const char* variable) { return std::getenv(variable) != nullptr; });
}

// Syncs everything once in this process. (Retries are up to cron.)
StatusReport sync_once(const SyncOptions& options, std::chrono::milliseconds time, Console& console) {
  const Settings settings = load_settings(paths::settings());
  std::error_code ignored;
  if (is_throwaway_machine() && named_owner(options.owner, settings.owner).empty() &&
      !std::filesystem::exists(paths::owner(), ignored)) {
    tell(console.err,
         "warning: no owner is set, and the state of this machine may be lost after this run: the "
         "next one would find these Secrets kept by another regsync; name one: regsync sync --once "
         "--owner NAME, or REGSYNC_OWNER, or owner: in config.yaml\n");
  }
  const auto work = [&](Engine& engine) { return engine.sync(options.targets, options.adopt, time); };
  std::optional<std::set<std::string>> acting;
  if (!options.targets.empty()) {
    acting.emplace(options.targets.begin(), options.targets.end());
  }
  return run_engine(console, options.kubeconfig, "regsync sync --once", work, acting, time, options.owner,
                    options.logins);
}

// Previews what a sync would change for one target.
Preview preview_of(const Target& target, const SyncOptions& options, const kube::Kubeconfig& kubeconfig,
                   Console& console) {
  const Adoption adoption = !options.adopt ? Adoption::none : options.targets.empty() ? Adoption::lost : Adoption::all;
  return preview(console, kubeconfig,
                 {.before = target,
                  .after = target,
                  .plan = nullptr,
                  .resumed = {},
                  .owner = options.owner,
                  .logins = options.logins,
                  .adoption = adoption});
}

// Previews what a sync would change; `regsync diff` shows it in full.
int preview_sync(const SyncOptions& options, Console& console) {
  if (options.format != Format::table) {
    throw UsageError("-o with --dry-run: a preview is text", "for a program: regsync diff");
  }
  const AskedTargets asked = require_targets(options.targets, console);
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  bool known = asked.complete;
  for (const Target& target : asked.targets) {
    const Preview changes = preview_of(target, options, kubeconfig, console);
    print_preview(console, console.out, "target \"" + target.name + "\":", changes);
    known = known && changes.unknown.empty();
  }
  return known ? exit_done : exit_not_as_asked;
}

// Shows what --adopt would overwrite, and asks a person at a terminal.
void require_consent(const SyncOptions& options, Console& console) {
  if (!options.adopt || options.yes || !console.in_is_terminal) {
    return;
  }
  const AskedTargets asked = require_targets(options.targets, console);
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  bool asks = false;
  for (const Target& target : asked.targets) {
    const Preview changes = preview_of(target, options, kubeconfig, console);
    if (changes.may_take_over()) {
      print_preview(console, console.err, "target \"" + target.name + "\":", changes);
      asks = true;
    }
  }
  if (asks && !confirm(console, "Take them over?")) {
    throw Error(ErrorCode::cancelled, "nothing was changed");
  }
}

int sync(const SyncOptions& options, Console& console) {
  // An exec plugin may wait for a person to log in.
  const std::string usual = options.once && console.in_is_terminal ? "15m" : "60s";
  const auto time = duration_of(options.timeout.empty() ? usual : options.timeout, "--timeout");
  if (!options.once && options.kubeconfig && dry_run_of(options.dry_run) == DryRun::none) {
    throw UsageError("--kubeconfig without --once: regsyncd uses its own",
                     "write kubeconfig: " + std::filesystem::absolute(*options.kubeconfig).string() + " in " +
                         paths::settings().string());
  }
  if (!options.once && !options.owner.empty()) {
    throw UsageError(
        "--owner without --once: regsyncd has its own",
        "write owner: " + options.owner + " in " + paths::settings().string() + ", and " + how_to_restart_regsyncd());
  }
  if (!options.once && !options.logins.empty()) {
    throw UsageError("--logins without --once: regsyncd has its own",
                     "write loginFiles: [" + std::filesystem::absolute(options.logins.front()).string() + "] in " +
                         paths::settings().string());
  }
  if (dry_run_of(options.dry_run) != DryRun::none) {
    return preview_sync(options, console);
  }
  if (!options.targets.empty()) {
    require_targets(options.targets, console);
  }
  require_consent(options, console);
  const StatusReport report = options.once ? sync_once(options, time, console)
                                           : sync_and_wait(console, *connect(), options.targets, options.adopt, time,
                                                           options.format != Format::table);
  const bool all = report.all_in_sync();
  if (options.format != Format::table || !all) {
    print_report(console, report, options.format);
  }
  if (options.format == Format::table && all) {
    print_folded(console.out, summary(report) + '\n' + render_notes(report));
  }
  return all ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_sync(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<SyncOptions>();
  CLI::App* command =
      add_command(app, "sync", "Sync now, and wait for the result",
                  {{"Everything, through the running regsyncd", "regsync sync"},
                   {"Without a daemon, for cron and CI", "regsync sync --once"},
                   {"In CI, with the logins of a file", "regsync sync --once --logins ~/.docker/config.json"},
                   {"Take over a Secret that somebody made by hand", "regsync sync myregcred --adopt"},
                   {"Take back what this user made here before the state folder was lost", "regsync sync --adopt"}});
  command->add_option("NAME", options->targets, "Only these targets");
  add_all_namespaces(command);
  command->add_flag("--once", options->once, "Do it in this process, without regsyncd");
  command->add_flag("--adopt", options->adopt,
                    "Take over Secrets of the target's name which others made; without NAME, those that this user made "
                    "here under another owner id");
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  command->add_option("--owner", options->owner, "With --once: to whom the Secrets belong");
  command
      ->add_option("--logins", options->logins,
                   "With --once: files of Docker's format, or folders of them, to take the logins from, instead of the "
                   "keyring")
      ->type_name("PATH")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_dry_run(command, options->dry_run);
  command
      ->add_option("--timeout", options->timeout,
                   "How long to wait at most (default: 60s; 15m with --once at a terminal)")
      ->type_name("DURATION");
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, sync);
}

}  // namespace regsync::cli
