// regsync remove: removes a target and deletes its Secrets.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/local_engine.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/control/messages.hpp"
#include "sync/control/requests.hpp"

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

// Whether a target without a file may have left Secrets and was not removed by a command.
bool is_remembered(const std::string& name) {
  const FootprintStore footprints = known_footprints();
  const Footprint* footprint = footprints.find(name);
  return footprint != nullptr && !footprint->forgotten;
}

// Removes in this process. Like the daemon, writes the intent to disk before it deletes the file.
StatusReport remove_here(const RemoveOptions& options, Console& console) {
  if (!TargetDirectory(paths::targets()).load().contains(options.name) && !is_remembered(options.name)) {
    require_target(options.name);  // throws with a suggestion; an unreadable file is not an obstacle
  }
  TargetDirectory(paths::targets()).require_removable(options.name);
  const auto work = [&](Engine& engine) {
    engine.forget_target(options.name, options.keep_secrets,
                         [&] { TargetDirectory(paths::targets()).remove(options.name); });
    return engine.sync({options.name}, false);
  };
  return run_engine(console, options.kubeconfig, "regsync remove", work, std::set{options.name}, deletion_time);
}

StatusReport remove_by_daemon(const RemoveOptions& options, ControlClient& daemon) {
  const control::RemoveRequest request{
      .target = options.name, .keep_secrets = options.keep_secrets, .summary = options.format == Format::table};
  try {
    return control::report_from_json(daemon.call(control::methods::remove, control::to_json(request), deletion_time));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      require_target(options.name);  // throws with a suggestion
    }
    throw;
  }
}

// Returns the target if its file is readable; its Secrets can be deleted without it.
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

// Shows what would be deleted, and asks a person at a terminal. False: do nothing.
bool is_wanted(const RemoveOptions& options, Console& console) {
  const bool asks = console.in_is_terminal && !options.yes && !options.keep_secrets;
  const DryRun dry_run = dry_run_of(options.dry_run);
  if (dry_run == DryRun::none && !asks) {
    return true;
  }
  std::ostream& out = dry_run == DryRun::none || options.format != Format::table ? console.err : console.out;
  const std::string heading = "target \"" + options.name + "\" " + (dry_run == DryRun::none ? "is" : "would be") +
                              " removed" + (options.keep_secrets ? "; its Secrets stay, unmanaged" : "");
  if (options.keep_secrets || dry_run == DryRun::client) {
    out << heading << '\n';
  } else {
    print_preview(console, out, heading,
                  preview(console, load_kubeconfig(options.kubeconfig), removal_of(options.name)));
  }
  return dry_run == DryRun::none && confirm(console, "Remove it?");
}

std::size_t rows_of(const StatusReport& report) {
  std::size_t count = 0;
  for (const StatusGroup& group : groups_of(report)) {
    count += group.rows();
  }
  return count;
}

// Whether Secrets stay that do not belong to regsync.
bool leaves_something(const StatusReport& left) {
  return std::ranges::find(left.notes, ErrorCode::not_owned, &Error::code) != left.notes.end();
}

// Whether Secrets may be left in a context that is gone.
bool may_leave_some(const StatusReport& left) {
  return std::ranges::find(left.notes, ErrorCode::kubeconfig, &Error::code) != left.notes.end();
}

// Prints the outcome for people.
void print_outcome(const RemoveOptions& options, const StatusReport& left, std::size_t count, bool by_daemon,
                   Console& console) {
  if (count == 0) {
    console.out << "target \"" << options.name << "\" removed"
                << (options.keep_secrets     ? "; its Secrets stay, unmanaged\n"
                    : leaves_something(left) ? " with the Secrets that are regsync's; others stay:\n"
                    : may_leave_some(left)   ? " with the Secrets that can be reached:\n"
                                             : " with all its Secrets\n");
    print_folded(console.out, render_notes(left));
    return;
  }
  const bool paused = std::ranges::all_of(
      groups_of(left), [](const StatusGroup& group) { return group.count(SyncState::paused) == group.rows(); });
  console.out << "target \"" << options.name << "\" removed; " << count_of(count, "Secret")
              << (paused                 ? " may be left in paused contexts"
                  : options.keep_secrets ? " could not be released yet"
                                         : " could not be deleted yet")
              << (paused      ? ""
                  : by_daemon ? "; retrying"
                              : "; regsyncd goes on with it, or: regsync sync --once")
              << ":\n";
  print_report(console, left, options.format);
}

// Returns what is left.
StatusReport remove_one(const RemoveOptions& options, Console& console) {
  const auto daemon = connect_if_running();
  if (!is_wanted(options, console)) {
    throw Error(ErrorCode::cancelled, "target \"" + options.name + "\" was not removed");
  }
  StatusReport left = daemon ? remove_by_daemon(options, *daemon) : remove_here(options, console);
  if (options.format == Format::table) {
    print_outcome(options, left, rows_of(left), daemon != nullptr, console);
  }
  return left;
}

// Rejects unknown names before it removes the first target. A target without a file may still be known to the daemon or
// by its footprint.
void require_known(const std::vector<std::string>& names) {
  std::set<std::string> known;
  if (const auto daemon = connect_if_running()) {
    const StatusReport report = ask_summary(*daemon, std::chrono::seconds(10));
    for (const TargetStatus& target : report.targets) {
      known.insert(target.name);
    }
  }
  for (const std::string& name : names) {
    if (!known.contains(name) && !TargetDirectory(paths::targets()).contains(name) && !is_remembered(name)) {
      require_target(name);  // throws with a suggestion
    }
  }
}

// Prints the present targets for a program.
void print_targets(const std::vector<std::string>& names, const RemoveOptions& options, Console& console) {
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& name : names) {
    if (options.format == Format::name) {
      console.out << name << '\n';
    }
    const Target target = *removal_of(name).before;
    all.push_back(target.secret.empty() ? nlohmann::json{{"name", name}} : to_json(target));
  }
  if (options.format != Format::name) {
    print_structured(console.out, make_list("TargetList", std::move(all)), options.format);
  }
}

// Adds what is left of one target to what is left of others.
void add(std::optional<StatusReport>& all, StatusReport one) {
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  if (!all) {
    all = std::move(one);
    return;
  }
  append(all->targets, one.targets);
  append(all->rows, one.rows);
  append(all->notes, one.notes);
  all->contexts = std::move(one.contexts);
}

int remove(const RemoveOptions& options, Console& console) {
  std::vector<std::string> names;
  for (const std::string& name : options.names) {
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  }
  require_known(names);
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  std::optional<StatusReport> left;
  bool all_gone = true;
  for (const std::string& name : names) {
    RemoveOptions one = options;
    one.name = name;
    if (dry_run) {
      is_wanted(one, console);
      continue;
    }
    StatusReport report = remove_one(one, console);
    all_gone = all_gone && rows_of(report) == 0;
    add(left, std::move(report));
  }
  if (options.format != Format::table) {
    dry_run ? print_targets(names, options, console) : print_report(console, *left, options.format);
  }
  return all_gone ? exit_done : exit_not_as_asked;
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
