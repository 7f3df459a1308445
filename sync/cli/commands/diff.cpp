// regsync diff: what a sync would change, masked. Output and exit codes are those of kubectl diff.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <ostream>
#include <set>
#include <system_error>

#include "sync/base/child_process.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/base/temporary_folder.hpp"
#include "sync/cli/ask/deletion_rules.hpp"
#include "sync/cli/ask/differences.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/plans.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
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

void write(const fs::path& root, const Difference& difference, const nlohmann::json& object) {
  if (object.is_null()) {
    return;
  }
  const fs::path folder = root / file_name(difference.context) / file_name(difference.name_space);
  fs::create_directories(folder);
  // No Secret has capitals in its name.
  const std::string prefix = difference.kind == DifferenceKind::secret ? "" : "ServiceAccount.";
  const fs::path file = folder / file_name(prefix + difference.name);
  std::ofstream out(file);
  out << to_yaml_text(object) << '\n' << std::flush;
  if (!out) {
    const std::string why = std::generic_category().message(errno);
    throw Error(ErrorCode::invalid_input, file.string() + ": cannot be written: " + why,
                "make room there, or set TMPDIR to another folder");
  }
}

std::string without(std::string_view text, std::string_view part) {
  std::string rest;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part)) {
    rest += text.substr(0, at);
    text.remove_prefix(at + part.size());
  }
  rest += text;
  return rest;
}

// By diff(1), as kubectl does it. Only masked objects are written to the files.
void print(const std::vector<Difference>& changes, Console& console) {
  const TemporaryFolder scratch("regsync-diff");
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
  command.max_output = std::numeric_limits<std::size_t>::max();  // of our own objects, however many they are
  command.arguments = {"-u", "-N", "-r", live.string(), merged.string()};
  if (console.colour) {
    command.arguments.insert(command.arguments.begin(), "--color=always");
  }
  const ChildResult result = run_to_end(run_child(std::move(command)));
  if (result.exit_code > 1) {
    throw Error(ErrorCode::internal, "diff(1) failed: " + result.errors, "install the package diffutils");
  }
  // The folder's name says nothing to anybody.
  console.out << without(result.output, scratch.path().string() + "/");
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

int diff(const DiffOptions& options, Console& console) {
  const AskedTargets asked = require_targets(options.targets, console);
  auto plans = make_plans(console, asked.targets);
  std::erase_if(plans, [](const auto& plan) { return plan->target.paused; });
  const auto plans_of_namesakes = make_plans(console, namesakes_of(asked.targets, asked.files));
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  require_contexts(kubeconfig, options.contexts);
  for (const Target& target : asked.targets) {
    if (target.paused) {
      tell(console.err, "note: target " + target.name + " is paused; to go on: regsync resume " + target.name + '\n');
    }
  }
  RememberedState memory;
  for (const Target& target : asked.targets) {
    meet_contexts(target, kubeconfig, memory.book);
  }
  const DeletionRules rules(asked.files, memory.footprints.all(), kubeconfig, memory.book);
  const auto is_asked = [&names = options.targets](const std::string& target) {
    return names.empty() || std::ranges::find(names, target) != names.end();
  };
  std::set<std::string> contexts = contexts_of(asked.targets, kubeconfig);  // where targets want, or have, Secrets
  std::map<std::string, DeletionScope> scopes;
  for (const std::string& context : kubeconfig.contexts()) {
    DeletionScope& scope = scopes[context] = rules.scope_in(context, is_asked);
    scope.siblings = siblings_of(context, asked.files, kubeconfig, memory);
    scope.asked = {options.targets.begin(), options.targets.end()};
    if (!scope.places.empty()) {
      contexts.insert(context);
    }
  }
  require_matches(options.contexts, contexts, "context");
  std::erase_if(contexts, [&](const std::string& context) {
    const bool is_chosen = options.contexts.empty() || matches_any(options.contexts, context);
    return !is_chosen || (plans_for(plans, context).empty() && scopes[context].places.empty());
  });

  const PausedContexts paused(paths::paused_contexts());
  std::erase_if(contexts, [&](const std::string& context) {
    if (paused.contains(context)) {
      tell(console.err, printable_line("note: context " + context + " is paused; to go on: regsync resume --context " +
                                       shell_word(context)) +
                            '\n');
    }
    return paused.contains(context);
  });
  const Owner owner = this_owner(load_settings(paths::settings()));
  Differences found;
  bool failed = !asked.complete;
  for_each_context(
      kubeconfig, {contexts.begin(), contexts.end()}, std::chrono::seconds(60),
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
