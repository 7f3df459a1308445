// regsync forget-context: nothing is remembered any more of what may be left in a context that is gone.
#include <ostream>

#include "sync/cli/ask/context_call.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/engine/context_checks.hpp"
#include "sync/engine/footprint.hpp"

namespace regsync::cli {
namespace {

struct ForgetOptions {
  std::string context;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
};

int forget_context(const ForgetOptions& options, Console& console) {
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  if (dry_run) {
    const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
    require_forgettable(options.context, kubeconfig.contexts(), kubeconfig.is_of_files(), known_footprints().all());
    console.out << "context \"" << printable_line(options.context)
                << "\" would be forgotten; Secrets that are left there stay\n";
    return exit_done;
  }
  call_for_context("forgetContext", options.context, options.kubeconfig, console,
                   [&](Engine& engine) { engine.forget_context(options.context); });
  console.out << "context \"" << printable_line(options.context) << "\" forgotten; Secrets that are left there stay\n";
  return exit_done;
}

}  // namespace

void define_forget_context(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ForgetOptions>();
  CLI::App* command =
      add_command(app, "forget-context", "Forget what may be left in a context that is not in the kubeconfig any more",
                  {{"After `kind delete cluster`", "regsync forget-context kind-kind"}});
  command->add_option("CONTEXT", options->context, "The context")->required();
  add_dry_run(command, options->dry_run, "Say what would be forgotten, and change nothing");
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, forget_context);
}

}  // namespace regsync::cli
