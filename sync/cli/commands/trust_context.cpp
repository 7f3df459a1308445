// regsync trust-context: accepts that a context leads to another cluster than before.
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/context_call.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/control/requests.hpp"
#include "sync/engine/context_checks.hpp"

namespace regsync::cli {
namespace {

struct TrustOptions {
  std::string context;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
};

int trust_context(const TrustOptions& options, Console& console) {
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  if (dry_run) {
    if (!connect_if_running()) {
      (void)load_kubeconfig(options.kubeconfig);  // fails as the engine in this process would
    }
    require_met(options.context, ContextBook(paths::contexts()));
    console.out << "context \"" << printable_line(options.context)
                << "\" would be trusted to lead to the cluster that it leads to now (dry run)\n";
    return exit_done;
  }
  call_for_context(control::methods::trust_context,
                   control::to_json(control::TrustContextRequest{.context = options.context}), options.kubeconfig,
                   console, [&](Engine& engine) { engine.trust_context(options.context); });
  console.out << "context \"" << printable_line(options.context)
              << "\" trusted to lead to the cluster that it leads to now\n";
  return exit_done;
}

}  // namespace

void define_trust_context(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<TrustOptions>();
  CLI::App* command =
      add_command(app, "trust-context", "Confirm that a context leads to another cluster than before on purpose",
                  {{"After a cluster was built anew under the same name", "regsync trust-context default"}});
  command->add_option("CONTEXT", options->context, "The context")->required();
  add_dry_run(command, options->dry_run, "Say what would be trusted, and change nothing");
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, trust_context);
}

}  // namespace regsync::cli
