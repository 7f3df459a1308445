// regsync diff: what a sync would change, masked. Output and exit codes are those of kubectl diff.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <set>
#include <system_error>

#include "sync/base/child_process.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/differences.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/plans.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/setup/run_to_end.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/model/status_query.hpp"

namespace regsync::cli {
namespace {

namespace fs = std::filesystem;

constexpr int exit_same = 0;
constexpr int exit_different = 1;
constexpr int exit_failed = 2;

struct DiffOptions {
  std::vector<std::string> targets;
  std::vector<std::string> contexts;
  std::optional<fs::path> kubeconfig;
};

// Removed with all that is in it.
class Scratch {
 public:
  Scratch() : path_((fs::temp_directory_path() / "regsync-diff.XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw Error(ErrorCode::invalid_input, path_ + ": cannot make a temporary folder",
                  "set TMPDIR to a folder you may write");
    }
  }
  ~Scratch() {
    std::error_code ignored;  // what is left holds nothing secret
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Scratch(Scratch&&) = delete;
  Scratch& operator=(Scratch&&) = delete;

  [[nodiscard]] fs::path path() const { return path_; }

 private:
  std::string path_;
};

void write(const fs::path& root, const Difference& difference, const nlohmann::json& object) {
  if (object.is_null()) {
    return;
  }
  const fs::path folder = root / file_name(difference.context) / file_name(difference.name_space);
  fs::create_directories(folder);
  // No Secret has capitals in its name.
  const std::string prefix = difference.kind == DifferenceKind::secret ? "" : "ServiceAccount.";
  std::ofstream(folder / file_name(prefix + difference.name)) << to_yaml_text(object) << '\n';
}

// By diff(1), as kubectl does it. Only masked objects are written to the files.
void print(const std::vector<Difference>& changes, Console& console) {
  const Scratch scratch;
  const fs::path live = scratch.path() / "LIVE";
  const fs::path merged = scratch.path() / "MERGED";
  fs::create_directory(live);
  fs::create_directory(merged);
  for (const Difference& difference : changes) {
    write(live, difference, difference.before);
    write(merged, difference, difference.after);
  }
  ChildCommand command;
  command.program = "diff";
  command.arguments = {"-u", "-N", "-r", live.string(), merged.string()};
  if (console.colour) {
    command.arguments.insert(command.arguments.begin(), "--color=always");
  }
  const ChildResult result = run_to_end(std::move(command));
  if (result.exit_code > 1) {
    throw Error(ErrorCode::internal, "diff(1) failed: " + result.errors, "install the package diffutils");
  }
  // The folder's name says nothing to anybody.
  std::string output = result.output;
  const std::string folder = scratch.path().string() + "/";
  for (auto at = output.find(folder); at != std::string::npos; at = output.find(folder, at)) {
    output.erase(at, folder.size());
  }
  console.out << output;
}

std::vector<std::shared_ptr<const Plan>> plans_for(const std::vector<std::shared_ptr<const Plan>>& plans,
                                                   const std::string& context) {
  std::vector<std::shared_ptr<const Plan>> selected;
  for (const auto& plan : plans) {
    if (selects_context(plan->target, context)) {
      selected.push_back(plan);
    }
  }
  return selected;
}

// Whether what a target no longer covers is to be deleted. While it names a context that the kubeconfig does not have,
// regsyncd deletes nothing: that may be another name of a known cluster.
bool may_delete(const Target& target, const kube::Kubeconfig& kubeconfig) {
  return !target.paused && std::ranges::all_of(target.contexts, [&](const std::string& context) {
    return is_glob(context) || std::ranges::binary_search(kubeconfig.contexts(), context);
  });
}

// What regsync remembers to have written in a context: of these targets, and of those that were removed.
DeletionScope scope_in(const std::string& context, const std::vector<Target>& targets,
                       const std::set<std::string>& removed, const FootprintStore& footprints,
                       const kube::Kubeconfig& kubeconfig) {
  DeletionScope scope;
  const auto add_places = [&](const std::string& target) {
    const Footprint* footprint = footprints.find(target);
    if (footprint != nullptr && footprint->contexts.contains(context)) {
      scope.places.merge(footprint->contexts.at(context));
    }
  };
  for (const Target& target : targets) {
    if (may_delete(target, kubeconfig)) {
      add_places(target.name);
      scope.known_targets.insert(target.name);
    }
  }
  for (const std::string& target : removed) {
    add_places(target);
    (footprints.find(target)->keeps_in(context) ? scope.kept : scope.forgotten).insert(target);
  }
  return scope;
}

std::set<std::string> removed_targets(const FootprintStore& footprints, const TargetFiles& files) {
  std::set<std::string> removed;
  for (const auto& [target, footprint] : footprints.all()) {
    if (footprint.forgotten && !files.contains(target)) {
      removed.insert(target);
    }
  }
  return removed;
}

int diff(const DiffOptions& options, Console& console) {
  const AskedTargets asked = require_targets(options.targets, console);
  auto plans = make_plans(console, asked.targets);
  std::erase_if(plans, [](const auto& plan) { return plan->target.paused; });
  const auto plans_of_namesakes = make_plans(console, namesakes_of(asked.targets, asked.files));
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  require_contexts(kubeconfig, options.contexts);
  std::vector<std::string> contexts = kubeconfig.contexts();
  for (const Target& target : asked.targets) {
    if (target.paused) {
      tell(console.err, "note: target " + target.name + " is paused; to go on: regsync resume " + target.name + '\n');
    }
  }
  const RememberedState memory;
  const std::set<std::string> removed =
      options.targets.empty() ? removed_targets(memory.footprints, asked.files) : std::set<std::string>();
  std::map<std::string, DeletionScope> scopes;
  for (const std::string& context : contexts) {
    scopes[context] = scope_in(context, asked.targets, removed, memory.footprints, kubeconfig);
    scopes[context].siblings = siblings_of(context, asked.files, kubeconfig, memory);
    scopes[context].asked = {options.targets.begin(), options.targets.end()};
  }
  std::erase_if(contexts, [&](const std::string& context) {
    return scopes[context].places.empty() &&
           std::ranges::none_of(asked.targets, [&](const Target& target) { return selects_context(target, context); });
  });
  require_matches(options.contexts, {contexts.begin(), contexts.end()}, "context");
  std::erase_if(contexts, [&](const std::string& context) {
    const bool is_asked = options.contexts.empty() || matches_any(options.contexts, context);
    return !is_asked || (plans_for(plans, context).empty() && scopes[context].places.empty());
  });

  const PausedContexts paused(paths::paused_contexts());
  std::erase_if(contexts, [&](const std::string& context) {
    if (paused.contains(context)) {
      tell(console.err, one_line("note: context " + context + " is paused; to go on: regsync resume --context " +
                                 shell_word(context)) +
                            '\n');
    }
    return paused.contains(context);
  });
  const Owner owner = this_owner(load_settings(paths::settings()));
  Differences found;
  bool failed = !asked.complete;
  for_each_context(
      kubeconfig, contexts, std::chrono::seconds(60),
      [&](kube::KubeClient& client) {
        const std::string& context = client.context().name;
        auto involved = plans_for(plans, context);
        std::ranges::move(plans_for(plans_of_namesakes, context), std::back_inserter(involved));
        return find_differences(client, std::move(involved), owner, memory, found, scopes.at(context));
      },
      [&](const std::string& context, const Error& error) {
        print_error(console.err, error.within("context " + context));
        failed = true;
      });
  std::ranges::sort(found.obstacles, {}, &PlacedProblem::place);
  print_warnings(console.err, found.obstacles);
  if (!found.changes.empty()) {
    print(found.changes, console);
  }
  if (failed) {
    return exit_failed;
  }
  return found.changes.empty() && !found.stuck ? exit_same : exit_different;
}

}  // namespace

void define_diff(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App* command = add_command(
      app, "diff", "Show what a sync would change, with passwords masked",
      {{"Everywhere", "regsync diff"},
       {"In a script: 0 all is as it should be, 1 something is not, 2 it cannot be known", "regsync diff >/dev/null"}});
  command->add_option("NAME", options->targets, "Only these targets");
  add_all_namespaces(command);
  add_strings(command, "--context", options->contexts, "Only this context, or glob; may be repeated");
  add_kubeconfig(command, options->kubeconfig);
  command->callback([&invocation, options] {
    invocation.exit_on_error = exit_failed;
    invocation.action = [&invocation, options] { return diff(*options, invocation.console); };
  });
}

}  // namespace regsync::cli
