// regsync diff: shows what a sync would change, masked. Output and exit codes are those of kubectl diff.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <ostream>
#include <set>
#include <system_error>

#include "sync/base/child_process.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/base/temporary_folder.hpp"
#include "sync/cli/ask/comparison.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/plans.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/owner_file.hpp"
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
  // Distinct from Secrets, whose names have no capitals.
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

// Prints by diff(1), like kubectl. Writes only masked objects to the files.
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
  command.max_output = std::numeric_limits<std::size_t>::max();  // the objects are our own, in any number
  command.arguments = {"-u", "-N", "-r", live.string(), merged.string()};
  if (console.colour) {
    command.arguments.insert(command.arguments.begin(), "--color=always");
  }
  const ChildResult result = run_to_end(run_child(std::move(command)));
  if (result.exit_code > 1) {
    throw Error(ErrorCode::internal, "diff(1) failed: " + result.errors, "install the package diffutils");
  }
  // The name of the temporary folder is meaningless to people.
  console.out << without(result.output, scratch.path().string() + "/");
}

// Gathers the present inputs. active: the requested targets without the paused ones.
Inputs gather(const DiffOptions& options, const AskedTargets& asked, const std::vector<Target>& active,
              const kube::Kubeconfig& kubeconfig, RememberedState& memory, Console& console) {
  Inputs inputs{.kubeconfig = kubeconfig,
                .memory = memory,
                .owner = this_owner(load_settings(paths::settings())),
                .files = asked.files,
                .footprints = memory.footprints.all(),
                .asked = {options.targets.begin(), options.targets.end()}};
  for (const Target& target : asked.targets) {
    meet_contexts(target, kubeconfig, memory.book);
  }
  std::vector<Target> involved = active;
  std::ranges::move(namesakes_of(active, asked.files, inputs.footprints), std::back_inserter(involved));
  inputs.plans = make_plans(console, involved);
  return inputs;
}

// Returns the contexts of the options, or all, where something may change. Prints the paused ones.
std::set<std::string> contexts_to_compare(const DiffOptions& options, const AskedTargets& asked,
                                          const std::vector<Target>& active, const Inputs& inputs, Console& console) {
  const std::set<std::string> leftovers = contexts_with_leftovers(inputs);
  std::set<std::string> known = contexts_of(asked.targets, inputs.kubeconfig);
  known.insert(leftovers.begin(), leftovers.end());
  require_matches(options.contexts, known, "context");
  std::set<std::string> contexts = contexts_of(active, inputs.kubeconfig);
  contexts.insert(leftovers.begin(), leftovers.end());
  if (!options.contexts.empty()) {
    std::erase_if(contexts, [&](const std::string& context) { return !matches_any(options.contexts, context); });
  }
  for (const std::string& context : take_out_paused(contexts)) {
    tell(console.err, printable_line("note: context " + context + " is paused; to go on: regsync resume --context " +
                                     shell_word(context)) +
                          '\n');
  }
  return contexts;
}

int diff(const DiffOptions& options, Console& console) {
  const AskedTargets asked = require_targets(options.targets, console);
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  require_contexts(kubeconfig, options.contexts);
  std::vector<Target> active;
  for (const Target& target : asked.targets) {
    if (target.paused) {
      tell(console.err, "note: target " + target.name + " is paused; to go on: regsync resume " + target.name + '\n');
    } else {
      active.push_back(target);
    }
  }
  RememberedState memory;
  const Inputs inputs = gather(options, asked, active, kubeconfig, memory, console);
  const std::set<std::string> contexts = contexts_to_compare(options, asked, active, inputs, console);
  bool failed = !asked.complete;
  const Differences found =
      compare_all(inputs, contexts, std::chrono::seconds(60), [&](const std::string& context, const Error& error) {
        print_error(console.err, error.within("context " + context));
        failed = true;
      });
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
