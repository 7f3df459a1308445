// regsync pause and resume: pauses a target, by `paused: true` in its file, or of a whole context, in regsyncd's state.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <utility>

#include "sync/base/instance_lock.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/field_change.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/preview.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/control/requests.hpp"
#include "sync/engine/footprint.hpp"
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
  require_target(name);  // throws with a suggestion
  const std::string text = TargetDirectory(paths::targets()).read(name);
  const Target before = parse_target(name, text, name + ".yaml");
  if (before.paused != paused) {
    FieldChange change;
    change.field = "paused";
    change.kind = paused ? FieldChange::Kind::set : FieldChange::Kind::unset;
    change.value = "true";
    const EditedTarget after = edited(before, {.name = name, .text = text}, {change});
    declare(console, after.target,
            {.yes = options.yes,
             .changes_clusters = !paused,
             .text = after.text,
             .before = text,
             .dry_run = dry_run,
             .kubeconfig = kubeconfig});
  }
  console.out << "target \"" << name << "\" " << outcome(before.paused != paused, paused)
              << (dry_run == DryRun::none ? "\n" : " (dry run)\n");
}

// Pauses or resumes through the daemon, or, without one, in the file that the next daemon reads.
bool set_context(const std::string& name, bool paused) {
  if (const auto daemon = connect_if_running()) {
    const control::PauseContextRequest request{.context = name, .paused = paused};
    const auto answer = daemon->call(control::methods::pause_context, control::to_json(request), answer_time);
    return control::pause_context_answer_from_json(answer).changed;
  }
  const InstanceLock lock(paths::lock(), paused ? "regsync pause" : "regsync resume");
  return PausedContexts(paths::paused_contexts()).set(name, paused);
}

// Returns the selected contexts. A context to resume may be gone from the kubeconfig; one given by name needs no
// kubeconfig.
std::set<std::string> contexts_meant(const PauseOptions& options, LazyKubeconfig& lazy, bool paused) {
  const std::set<std::string> known =
      paused ? std::set<std::string>() : PausedContexts(paths::paused_contexts()).names();
  std::set<std::string> names;
  std::vector<std::string> sought;   // to look up in the kubeconfig
  std::vector<std::string> unknown;  // only the kubeconfig can have them
  for (const std::string& pattern : options.contexts) {
    std::set<std::string> found;
    std::ranges::copy_if(known, std::inserter(found, found.end()),
                         [&](const std::string& name) { return name == pattern || glob_match(pattern, name); });
    if (found.empty()) {
      unknown.push_back(pattern);
    }
    if (!found.contains(pattern)) {
      sought.push_back(pattern);
    }
    names.merge(found);
  }
  if (!sought.empty()) {
    const kube::Kubeconfig& kubeconfig = lazy.get();
    require_contexts(kubeconfig, unknown);
    const auto selected = select_contexts(kubeconfig, sought);
    names.insert(selected.begin(), selected.end());
  }
  return names;
}

// Previews what resuming these contexts changes, for every target that has or had Secrets there.
std::vector<std::pair<std::string, Preview>> resumption(const std::set<std::string>& contexts,
                                                        const kube::Kubeconfig& kubeconfig, Console& console) {
  std::vector<std::pair<std::string, Preview>> all;
  const TargetFiles files = TargetDirectory(paths::targets()).load();
  for (const auto& [name, file] : files) {
    const auto selects = [&target = file.target](const std::string& context) {
      return selects_context(*target, context);
    };
    if (file.target && !file.target->paused && std::ranges::any_of(contexts, selects)) {
      all.emplace_back(
          "target \"" + name + "\"",
          preview(console, kubeconfig, {.before = file.target, .after = file.target, .resumed = contexts}));
    }
  }
  const FootprintStore footprints = known_footprints();
  for (const auto& [name, footprint] : footprints.all()) {
    const auto has_something = [&places = footprint.contexts](const std::string& context) {
      return places.contains(context);
    };
    if (footprint.forgotten && !files.contains(name) && std::ranges::any_of(contexts, has_something)) {
      TargetChange removal{.before = std::nullopt, .after = std::nullopt, .resumed = contexts};
      removal.before.emplace().name = name;
      all.emplace_back("target \"" + name + "\", which was removed", preview(console, kubeconfig, removal));
    }
  }
  return all;
}

// Previews the changes in the clusters for --dry-run=server or a person at a terminal, whom it asks if there are any.
void require_consent(const std::set<std::string>& contexts, const PauseOptions& options, LazyKubeconfig& kubeconfig,
                     Console& console) {
  const DryRun dry_run = dry_run_of(options.dry_run);
  const bool asks = console.in_is_terminal && !options.yes && dry_run == DryRun::none;
  if (contexts.empty() || (!asks && dry_run != DryRun::server)) {
    return;
  }
  bool changes = false;
  for (const auto& [what, shown] : resumption(contexts, kubeconfig.get(), console)) {
    print_preview(console, console.err, printable_line(what) + ":", shown);
    changes = changes || shown.needs_consent();
  }
  if (asks && changes && !confirm(console, "Resume?")) {
    throw Error(ErrorCode::cancelled, "nothing was changed");
  }
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
    require_target(name);  // check all before changing the first
  }
  LazyKubeconfig kubeconfig(options.kubeconfig);
  for (const std::string& name : options.targets) {
    set_target(name, paused, options, kubeconfig, console);
  }
  if (options.contexts.empty()) {
    return exit_done;
  }
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  const std::set<std::string> contexts = contexts_meant(options, kubeconfig, paused);
  if (!paused) {
    std::set<std::string> ended;
    std::ranges::set_intersection(contexts, PausedContexts(paths::paused_contexts()).names(),
                                  std::inserter(ended, ended.end()));
    require_consent(ended, options, kubeconfig, console);
  }
  for (const std::string& name : contexts) {
    const bool changed =
        dry_run ? PausedContexts(paths::paused_contexts()).contains(name) != paused : set_context(name, paused);
    console.out << "context \"" << printable_line(name) << "\" " << outcome(changed, paused)
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
