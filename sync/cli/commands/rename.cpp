// regsync rename: renames a target. Its Secrets keep their name and place, so pods never miss one. With --secret-name
// the Secrets are renamed too: the new ones exist before the old ones are deleted.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "helper/base/guarded.hpp"
#include "helper/base/text.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/field_change.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/local_engine.hpp"
#include "sync/cli/ask/preview.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/ask/rivals.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/control/messages.hpp"
#include "sync/control/requests.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {
namespace {

struct RenameOptions {
  std::string name;
  std::string new_name;
  std::string secret;
  bool yes = false;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
};

constexpr std::chrono::seconds patience{60};

// Returns the namespace of a target that names none, if a context's current namespace now differs: the renamed target
// must name it to stay there. Throws if the contexts would need different namespaces.
std::optional<std::string> bound_namespace(const Target& target, const RenameOptions& options) {
  const FootprintStore footprints = known_footprints();
  const Footprint* known = footprints.find(target.name);
  if (!uses_own_namespace(target) || known == nullptr) {
    return std::nullopt;
  }
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  std::set<std::string> places;
  bool differs = false;
  for (const auto& [context, own] : known->own_namespaces) {
    places.insert(own);
    const bool is_there = std::ranges::find(kubeconfig.contexts(), context) != kubeconfig.contexts().end();
    if (is_there) {  // an unusable context has no current namespace
      static_cast<void>(guarded([&] { differs = differs || kubeconfig.resolve(context).default_namespace != own; }));
    }
  }
  if (!differs) {
    return std::nullopt;
  }
  if (places.size() > 1) {
    throw Error(ErrorCode::invalid_input,
                "target \"" + target.name + "\" names no namespaces, and its Secrets are in " + join(places, ", ", 5) +
                    ", which are not the current namespaces of their contexts: under another name it would move them",
                "say where they belong: regsync set " + target.name + " namespaces=" + *places.begin());
  }
  return *places.begin();
}

EditedTarget renamed(const Target& before, const std::string& text, const RenameOptions& options) {
  Target target = before;
  target.name = options.new_name;
  FieldChange secret;
  secret.field = "secret";
  secret.value = options.secret.empty() ? before.secret : options.secret;
  std::vector<FieldChange> changes{secret};
  if (const auto bound = bound_namespace(before, options)) {
    FieldChange namespaces;
    namespaces.field = "namespaces";
    namespaces.value = *bound;
    changes.push_back(namespaces);
  }
  return edited(target, {.name = before.name, .text = text}, changes);
}

void forget(Engine& engine, const std::string& name) {
  engine.forget_target(name, /*keep_secrets=*/false, [&] { TargetDirectory(paths::targets()).remove(name); });
}

// Makes the new target's Secrets, and then removes the old target. Returns what is not in sync.
StatusReport carry_out(bool new_secret, const RenameOptions& options, Console& console) {
  if (const auto daemon = connect_if_running()) {
    if (new_secret) {
      StatusReport made = sync_and_wait(console, *daemon, {options.new_name}, /*adopt=*/false, patience);
      if (!reached(made)) {
        return made;
      }
    }
    const control::RemoveRequest old{.target = options.name};
    const StatusReport left =
        control::report_from_json(daemon->call(control::methods::remove, control::to_json(old), patience));
    return left.rows.empty() ? sync_and_wait(console, *daemon, {options.new_name}, /*adopt=*/false, patience) : left;
  }
  const auto make = [&](Engine& engine) { return engine.sync({options.new_name}, false, patience); };
  if (new_secret) {
    StatusReport made =
        run_engine(console, options.kubeconfig, "regsync rename", make, std::set{options.new_name}, patience);
    if (!reached(made)) {
      return made;
    }
  }
  const auto pass_on = [&](Engine& engine) {
    forget(engine, options.name);
    return engine.sync({options.name, options.new_name}, false, patience);
  };
  return run_engine(console, options.kubeconfig, "regsync rename", pass_on, std::set{options.name, options.new_name},
                    patience);
}

int rename(const RenameOptions& options, Console& console) {
  const DryRun dry_run = dry_run_of(options.dry_run);
  require_target(options.name);  // throws with a suggestion
  const TargetDirectory directory(paths::targets());
  const std::string text = directory.read(options.name);
  const Target before = parse_target(options.name, text, options.name + ".yaml");
  if (options.name == options.new_name) {
    throw UsageError(
        "both names are \"" + options.name + "\"",
        options.secret.empty() ? "give it another name" : "regsync set " + options.name + " secret=" + options.secret);
  }
  if (before.paused) {
    throw Error(ErrorCode::invalid_input,
                "target \"" + options.name + "\" is paused, so its Secrets cannot be passed on",
                "first: regsync resume " + options.name);
  }
  const EditedTarget after = renamed(before, text, options);
  const std::optional<std::string> text_there = declared_text(options.new_name);
  // The same command completes an interrupted rename.
  if (result_of(declared(options.new_name), after.target) == DeclareResult::replaced) {
    throw Error(ErrorCode::already_exists, "there is a target \"" + options.new_name + "\" already",
                "choose another name, or remove it: regsync remove " + options.new_name);
  }
  TargetFiles others = directory.load();
  others.erase(options.name);
  if (has_namesake(after.target, others)) {
    refuse_new_rival(before, after.target, others, load_kubeconfig(options.kubeconfig));
  }
  const bool asks = console.in_is_terminal && !options.yes && dry_run == DryRun::none;
  if (asks || dry_run == DryRun::server) {
    print_preview(console, dry_run == DryRun::none ? console.err : console.out,
                  "target \"" + options.name + "\" -> \"" + options.new_name + "\":",
                  preview(console, load_kubeconfig(options.kubeconfig), {before, after.target}));
  }
  if (asks && !confirm(console, "Rename it?")) {
    throw Error(ErrorCode::cancelled, "nothing was changed");
  }
  if (dry_run == DryRun::client) {
    console.out << "# " << directory.path_of(options.new_name).string() << " (dry run)\n" << after.text;
  }
  if (dry_run != DryRun::none) {
    return exit_done;
  }
  directory.require_unchanged(options.name, text);
  write_target(console, after.target, after.text, text_there);
  const StatusReport report = carry_out(after.target.secret != before.secret, options, console);
  const bool passed_on = !directory.contains(options.name);
  const bool in_sync = reached(report);
  console.out << "target \"" << options.name << "\" ";
  if (passed_on) {
    console.out << "renamed to \"" << options.new_name << "\"; its Secrets are named " << after.target.secret
                << (in_sync ? "\n" : ", and not all are in sync:\n");
  } else {
    console.out << "is not renamed everywhere yet; run the same command again to continue:\n";
  }
  if (!passed_on || !in_sync) {
    print_report(console, report, Format::table);
  }
  return passed_on && in_sync ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_rename(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<RenameOptions>();
  CLI::App* command =
      add_command(app, "rename", "Give a target another name; its Secrets keep theirs, and stay",
                  {{"The target only; pods go on using the Secret", "regsync rename myregcred team-pull"},
                   {"The Secrets too: new ones are made before the old ones are deleted",
                    "regsync rename myregcred team-pull --secret-name team-pull"},
                   {"See what that would change", "regsync rename myregcred team-pull --dry-run=server"}});
  command->add_option("NAME", options->name, "The target")->required();
  command->add_option("NEW-NAME", options->new_name, "Its new name")->required();
  command->add_option("--secret-name", options->secret, "Another name for its Secrets too");
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run);
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, rename);
}

}  // namespace regsync::cli
