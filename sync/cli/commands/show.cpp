// regsync show: prints the manifest of a target's Secret.
#include <nlohmann/json.hpp>
#include <ostream>

#include "helper/store/registry_key.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/plans.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/manifest.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/engine/owner_file.hpp"

namespace regsync::cli {
namespace {

struct ShowOptions {
  std::string name;
  bool reveal = false;
  Format format = Format::yaml;
};

int show(const ShowOptions& options, Console& console) {
  const Target target = require_target(options.name);
  const std::shared_ptr<const Plan> plan = make_plans(console, {target}).at(target.name);
  for (const Error& problem : plan->problems) {
    if (plan->payload || problem != plan->problems.front()) {
      tell(console.err, "warning: " + printable_line(describe(problem)) + '\n');
    }
  }
  if (!plan->payload && !plan->problems.empty()) {
    throw Error(plan->problems.front());
  }
  if (!plan->payload) {
    throw Error(ErrorCode::login_missing, "no login for " + join(target.registries),
                "log in: " + login_command(RegistryKey(target.registries.front())));
  }

  const nlohmann::json manifest =
      make_manifest(*plan, this_owner(load_settings(paths::settings())).annotation, plan->payload->base64());
  if (options.format == Format::yaml) {
    console.out << "# " << TargetDirectory(paths::targets()).path_of(target.name).string() << '\n';
  }
  print_structured(console.out, options.reveal ? manifest : mask(nullptr, manifest).second, options.format);
  return exit_done;
}

}  // namespace

void define_show(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = add_command(app, "show", "Show the manifest of a target's Secret, with the password masked",
                                  {{"See what would be in the cluster", "regsync show myregcred"},
                                   {"With the password; for a cluster that regsync cannot reach",
                                    "regsync show myregcred --reveal | ssh bastion kubectl apply -n team-a -f -"}});
  command->add_option("NAME", options->name, "The target")->required();
  command->add_flag("--reveal", options->reveal, "Print the password too");
  add_output(command, options->format, {Format::yaml, Format::json});
  on_command(command, invocation, options, show);
}

}  // namespace regsync::cli
