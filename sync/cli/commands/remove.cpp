// regsync remove: forgets a target, and deletes the Secrets that it owns.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/local_engine.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

struct RemoveOptions {
  std::string name;
  std::vector<std::string> names;
  bool keep_secrets = false;
  bool yes = false;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

constexpr std::chrono::seconds deletion_time{60};

// In this process: as the daemon does it, the intent is on disk before the file goes.
StatusReport remove_here(const RemoveOptions& options, Console& console) {
  if (!TargetDirectory(paths::targets()).load().contains(options.name)) {
    require_target(options.name);  // says what was meant; a file that cannot be read is no obstacle
  }
  const auto work = [&](Engine& engine) {
    engine.forget_target(options.name, options.keep_secrets);
    TargetDirectory(paths::targets()).remove(options.name);
    return engine.sync({options.name}, false);
  };
  return run_engine(console, options.kubeconfig, "regsync remove", work, {options.name}, deletion_time);
}

StatusReport remove_by_daemon(const RemoveOptions& options, ControlClient& daemon) {
  const nlohmann::json params = {
      {"target", options.name}, {"keepSecrets", options.keep_secrets}, {"summary", options.format == Format::table}};
  try {
    return control::report_from_json(daemon.call("remove", params, deletion_time));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      require_target(options.name);  // says what was meant
    }
    throw;
  }
}

// The target as its file says, as far as it can be read: its Secrets can be deleted without.
TargetChange removal_of(const std::string& name) {
  const TargetFiles files = TargetDirectory(paths::targets()).load();
  const auto file = files.find(name);
  TargetChange change;
  if (file != files.end() && file->second.target) {
    change.before = file->second.target;
  } else {
    change.before.emplace().name = name;
  }
  return change;
}

// Shows what would go, and asks a person at a terminal. False: nothing is to be done.
bool is_wanted(const RemoveOptions& options, Console& console) {
  const bool asks = console.in_is_terminal && !options.yes && !options.keep_secrets;
  const DryRun dry_run = dry_run_of(options.dry_run);
  if (dry_run == DryRun::none && !asks) {
    return true;
  }
  std::ostream& out = dry_run == DryRun::none ? console.err : console.out;
  out << "target \"" << options.name << "\" " << (dry_run == DryRun::none ? "is" : "would be") << " removed"
      << (options.keep_secrets ? "; its Secrets stay, unmanaged" : "") << '\n';
  if (!options.keep_secrets && dry_run != DryRun::client) {
    print_folded(out, describe(preview(console, load_kubeconfig(options.kubeconfig), removal_of(options.name))));
  }
  return dry_run == DryRun::none && confirm(console, "Remove it?");
}

// Whether Secrets stay that do not count as regsync's.
bool leaves_something(const StatusReport& left) {
  return std::ranges::find(left.notes, ErrorCode::not_owned, &Error::code) != left.notes.end();
}

int remove_one(const RemoveOptions& options, Console& console) {
  const auto daemon = connect_if_running();
  if (!is_wanted(options, console)) {
    if (!options.dry_run.empty()) {
      return exit_done;
    }
    throw Error(ErrorCode::cancelled, "nothing was changed");
  }
  const StatusReport left = daemon ? remove_by_daemon(options, *daemon) : remove_here(options, console);
  const std::vector<StatusGroup> groups = groups_of(left);
  std::size_t count = 0;
  for (const StatusGroup& group : groups) {
    count += group.rows();
  }

  if (options.format != Format::table) {
    print_report(console, left, options.format);
  } else if (count == 0) {
    console.out << "target \"" << options.name << "\" removed"
                << (options.keep_secrets     ? "; its Secrets stay, unmanaged\n"
                    : leaves_something(left) ? " with the Secrets that are regsync's; others stay:\n"
                                             : " with all its Secrets\n");
    print_folded(console.out, render_notes(left));
  } else {
    const bool paused = std::ranges::all_of(
        groups, [](const StatusGroup& group) { return group.count(SyncState::paused) == group.rows(); });
    console.out << "target \"" << options.name << "\" removed; " << count_of(count, "Secret")
                << (paused                 ? " may be left in paused contexts"
                    : options.keep_secrets ? " could not be released yet; retrying"
                                           : " could not be deleted yet; retrying")
                << ":\n";
    print_report(console, left, options.format);
  }
  return count == 0 ? exit_done : exit_not_as_asked;
}

// A typo is found before the first one is removed. What has no file any more may still be known to the daemon.
void require_known(const std::vector<std::string>& names) {
  std::set<std::string> known;
  if (const auto daemon = connect_if_running()) {
    const StatusReport report = ask_summary(*daemon, std::chrono::seconds(10));
    for (const TargetStatus& target : report.targets) {
      known.insert(target.name);
    }
  }
  for (const std::string& name : names) {
    if (!known.contains(name) && !TargetDirectory(paths::targets()).contains(name)) {
      require_target(name);  // says what was meant
    }
  }
}

int remove(const RemoveOptions& options, Console& console) {
  require_known(options.names);
  int exit_code = exit_done;
  for (const std::string& name : options.names) {
    RemoveOptions one = options;
    one.name = name;
    exit_code = std::max(exit_code, remove_one(one, console));
  }
  return exit_code;
}

}  // namespace

void define_remove(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<RemoveOptions>();
  CLI::App* command = add_command(
      app, "remove", "Forget a target and delete the Secrets that it owns, everywhere",
      {{"The target and its Secrets", "regsync remove myregcred"},
       {"The target only; pods go on pulling with what is there", "regsync remove myregcred --keep-secrets"}});
  command->alias("rm")->alias("delete");
  command->add_option("NAME", options->names, "The targets")->required();
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run);
  command->add_flag("--keep-secrets", options->keep_secrets, "Leave the Secrets in the clusters");
  add_output(command, options->format, {Format::json, Format::yaml, Format::name});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, remove);
}

}  // namespace regsync::cli
