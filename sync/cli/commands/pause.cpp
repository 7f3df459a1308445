// regsync pause and resume: of a target, by `paused: true` in its file, or of a whole context, in regsyncd's state.
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/instance_lock.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/field_change.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/paused_contexts.hpp"

namespace regsync::cli {
namespace {

struct PauseOptions {
  std::vector<std::string> targets;
  std::vector<std::string> contexts;
  bool yes = false;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
};

constexpr std::chrono::seconds answer_time{5};

std::string outcome(bool changed, bool paused) {
  return changed ? paused ? "paused" : "resumed" : paused ? "is paused already" : "is not paused";
}

void set_target(const std::string& name, bool paused, const PauseOptions& options, LazyKubeconfig& kubeconfig,
                Console& console) {
  const DryRun dry_run = dry_run_of(options.dry_run);
  const Target before = require_target(name);
  if (before.paused != paused) {
    FieldChange change;
    change.field = "paused";
    change.kind = paused ? FieldChange::Kind::set : FieldChange::Kind::unset;
    change.value = "true";
    const EditedTarget after = edited(before, TargetDirectory(paths::targets()).read(name), {change});
    declare(console, after.target,
            {.yes = options.yes,
             .changes_clusters = !paused,
             .text = after.text,
             .dry_run = dry_run,
             .kubeconfig = kubeconfig});
  }
  console.out << "target \"" << name << "\" " << outcome(before.paused != paused, paused)
              << (dry_run == DryRun::none ? "\n" : " (dry run)\n");
}

// By the daemon, or without one in the file that the next daemon reads.
bool set_context(const std::string& name, bool paused) {
  if (const auto daemon = connect_if_running()) {
    return flag_at(daemon->call("pauseContext", {{"context", name}, {"paused", paused}}, answer_time), {"changed"});
  }
  const InstanceLock lock(paths::lock(), paused ? "regsync pause" : "regsync resume");
  return PausedContexts(paths::paused_contexts()).set(name, paused);
}

// The contexts that are meant. One that is paused may be gone from the kubeconfig since.
std::set<std::string> contexts_meant(const PauseOptions& options, LazyKubeconfig& lazy, bool paused) {
  std::vector<std::string> unknown;
  std::set<std::string> names;
  const std::set<std::string> known = PausedContexts(paths::paused_contexts()).names();
  for (const std::string& pattern : options.contexts) {
    if (!paused && known.contains(pattern)) {
      names.insert(pattern);
    } else {
      unknown.push_back(pattern);
    }
  }
  if (!unknown.empty()) {
    const kube::Kubeconfig& kubeconfig = lazy.get();
    require_contexts(kubeconfig, unknown);
    const auto selected = select_contexts(kubeconfig, unknown);
    names.insert(selected.begin(), selected.end());
  }
  return names;
}

int set_paused(const PauseOptions& options, bool paused, Console& console) {
  const std::string verb = paused ? "pause" : "resume";
  if (options.targets.empty() && options.contexts.empty()) {
    throw UsageError("a target or a context to " + verb + " is required",
                     "regsync " + verb + " NAME for a target, or regsync " + verb + " --context CONTEXT");
  }
  if (!options.targets.empty() && !options.contexts.empty()) {
    throw UsageError("a target cannot be " + verb + "d in one context only",
                     "name targets, or contexts; to leave a context out: regsync set NAME contexts-=CONTEXT");
  }
  for (const std::string& name : options.targets) {
    require_target(name);  // all are known before the first is changed
  }
  LazyKubeconfig kubeconfig(options.kubeconfig);
  for (const std::string& name : options.targets) {
    set_target(name, paused, options, kubeconfig, console);
  }
  if (options.contexts.empty()) {
    return exit_done;
  }
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  for (const std::string& name : contexts_meant(options, kubeconfig, paused)) {
    const bool changed =
        dry_run ? PausedContexts(paths::paused_contexts()).contains(name) != paused : set_context(name, paused);
    console.out << "context \"" << one_line(name) << "\" " << outcome(changed, paused)
                << (dry_run ? " (dry run)\n" : "\n");
  }
  return exit_done;
}

int pause(const PauseOptions& options, Console& console) { return set_paused(options, true, console); }
int resume(const PauseOptions& options, Console& console) { return set_paused(options, false, console); }

void add_options(CLI::App* command, PauseOptions& options) {
  command->add_option("NAME", options.targets, "The targets");
  add_strings(command, "--context", options.contexts, "A context, or a glob of them, instead; may be repeated");
  command->add_flag("-y,--yes", options.yes, "Do not ask");
  add_dry_run(command, options.dry_run);
  add_kubeconfig(command, options.kubeconfig);
}

}  // namespace

void define_pause(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<PauseOptions>();
  CLI::App* command =
      add_command(app, "pause", "Write and delete nothing for a target, or in a context, until it is resumed",
                  {{"A target", "regsync pause myregcred"},
                   {"A cluster that is under maintenance", "regsync pause --context prod"}});
  add_options(command, *options);
  on_command(command, invocation, options, pause);
}

void define_resume(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<PauseOptions>();
  CLI::App* command = add_command(app, "resume", "End a pause; what has changed meanwhile is synced",
                                  {{"A target", "regsync resume myregcred"},
                                   {"See what that would change", "regsync resume myregcred --dry-run=server"},
                                   {"Every context", "regsync resume --context '*'"}});
  add_options(command, *options);
  on_command(command, invocation, options, resume);
}

}  // namespace regsync::cli
