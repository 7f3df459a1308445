// regsync set: changes single fields of a target and keeps the rest of its file.
#include <algorithm>
#include <ostream>
#include <set>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/field_change.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {
namespace {

struct SetOptions {
  std::string name;
  std::vector<std::string> changes;
  bool yes = false;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
};

// "+=" adds to the present namespaces. A target that names none uses its contexts' own, which must then be in the list,
// or the Secret there would be deleted.
void keep_own_namespace(std::vector<FieldChange>& changes, const Target& target, LazyKubeconfig& kubeconfig) {
  const auto is_of = [](FieldChange::Kind kind) {
    return [kind](const FieldChange& change) { return change.field == "namespaces" && change.kind == kind; };
  };
  const auto adds = std::ranges::find_if(changes, is_of(FieldChange::Kind::add));
  const bool is_set_before = std::any_of(changes.begin(), adds, is_of(FieldChange::Kind::set));
  if (!uses_own_namespace(target) || adds == changes.end() || is_set_before) {
    return;
  }
  const std::set<std::string> own = own_namespaces(target, kubeconfig.get(), known_footprints());
  if (own.size() != 1) {
    const std::string where =
        own.empty() ? "which one it has now is not known" : "those of its contexts are " + join(own, ", ", 5);
    throw Error(ErrorCode::invalid_input, "target \"" + target.name + "\" names no namespaces, and " + where,
                "name all that it should have: regsync set " + target.name +
                    " namespaces=" + (own.empty() ? "NAMESPACE" : join(own, ",")) + "," + adds->value);
  }
  adds->value = *own.begin() + "," + adds->value;
}

int set(const SetOptions& options, Console& console) {
  const DryRun dry_run = dry_run_of(options.dry_run);
  if (options.name.find('=') != std::string::npos) {
    throw UsageError("missing the target's name before " + options.name, "as in: regsync set NAME " + options.name);
  }
  std::vector<FieldChange> changes;
  for (const std::string& word : options.changes) {
    changes.push_back(parse_change(word));
  }
  require_target(options.name);  // throws with a suggestion
  const std::string text = TargetDirectory(paths::targets()).read(options.name);
  const Target before = parse_target(options.name, text, options.name + ".yaml");
  LazyKubeconfig kubeconfig(options.kubeconfig);
  keep_own_namespace(changes, before, kubeconfig);
  const EditedTarget after = edited(before, {.name = options.name, .text = text}, changes);
  declare(console, after.target,
          {.yes = options.yes, .text = after.text, .before = text, .dry_run = dry_run, .kubeconfig = kubeconfig});
  if (dry_run == DryRun::client) {
    console.out << after.text;
    return exit_done;
  }
  console.out << "target \"" << options.name << "\" " << (after.target == before ? "unchanged" : "updated")
              << (dry_run == DryRun::none ? "\n" : " (dry run)\n");
  return exit_done;
}

}  // namespace

void define_set(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<SetOptions>();
  CLI::App* command = add_command(
      app, "set", "Change single fields of a target; fields are those of its file",
      {{"Add a namespace, and take another out", "regsync set myregcred namespaces+=team-c namespaces-=team-a"},
       {"Delete the Secrets after a logout", "regsync set myregcred onLogout=remove"},
       {"Take a field out, as kubectl label does", "regsync set myregcred email-"},
       {"See what it would change in the clusters", "regsync set myregcred 'contexts=prod-*' --dry-run=server"}});
  command->add_option("NAME", options->name, "The target")->required();
  command->add_option("FIELD=VALUE", options->changes, "A field and its value; lists are separated by commas")
      ->required();
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run);
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, set);
}

}  // namespace regsync::cli
