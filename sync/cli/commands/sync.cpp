// regsync sync: now, and wait for the result.
#include <ostream>

#include "sync/base/log.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/local_engine.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"

namespace regsync::cli {
namespace {

struct SyncOptions {
  std::optional<std::string> target;
  bool once = false;
  bool adopt = false;
  std::string timeout = "60s";
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

// One try at everything, in this process. (A second one after a passing failure is up to cron.)
StatusReport sync_once(const SyncOptions& options, Environment& environment) {
  log::set_level(log::Level::error);  // the report says the rest
  const auto work = [&](Engine& engine) { return engine.sync(options.target, options.adopt); };
  return run_engine(environment, options.kubeconfig, "regsync sync --once", work, options.target);
}

int sync(const SyncOptions& options, Environment& environment) {
  const auto time = duration_of(options.timeout, "--timeout");
  if (options.adopt && !options.target) {
    throw UsageError("--adopt without a target", "say which Secrets to take over: regsync sync NAME --adopt");
  }
  if (!options.once && options.kubeconfig) {
    throw UsageError("--kubeconfig without --once: regsyncd uses its own",
                     "write kubeconfig: " + options.kubeconfig->string() + " in " + paths::settings().string());
  }
  if (options.target) {
    require_target(*options.target);
  }
  const StatusReport report = options.once
                                  ? sync_once(options, environment)
                                  : sync_and_wait(environment, *connect(), options.target, options.adopt, time);
  const bool all = report.all_in_sync();
  if (options.format != Format::table || !all) {
    print_report(environment, report, options.format);
  }
  if (options.format == Format::table && all) {
    environment.out << summary(report) << '\n' << render_notes(report);
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
                   {"Take over a Secret that somebody made by hand", "regsync sync myregcred --adopt"}});
  command->add_option("NAME", options->target, "Only this target");
  command->add_flag("--once", options->once, "Do it in this process, without regsyncd");
  command->add_flag("--adopt", options->adopt, "Take over Secrets of the target's name which others made");
  command->add_option("--timeout", options->timeout, "How long to wait at most (default: 60s)")->type_name("DURATION");
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, sync);
}

}  // namespace regsync::cli
