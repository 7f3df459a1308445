// regsync trust-context: a context that leads to another cluster than before is right.
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "sync/base/suggest.hpp"
#include "sync/cli/ask/context_call.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/quote.hpp"

namespace regsync::cli {
namespace {

struct TrustOptions {
  std::string context;
  bool dry_run = false;
  std::optional<std::filesystem::path> kubeconfig;
};

int trust_context(const TrustOptions& options, Console& console) {
  if (options.dry_run) {
    const auto daemon = connect();
    std::set<std::string> used;
    for (const ContextStatus& context : ask_summary(*daemon, std::chrono::seconds(10)).contexts) {
      used.insert(context.name);
    }
    if (!used.contains(options.context)) {
      throw Error(ErrorCode::not_found, "no target uses a context \"" + options.context + "\"",
                  did_you_mean(options.context, {used.begin(), used.end()}));
    }
    console.out << "context \"" << options.context
                << "\" would be trusted to lead to the cluster that it leads to now (dry run)\n";
    return exit_done;
  }
  call_for_context("trustContext", options.context, options.kubeconfig, console,
                   [&](Engine& engine) { engine.trust_context(options.context); });
  console.out << "context \"" << one_line(options.context)
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
  command->add_flag("--dry-run", options->dry_run, "Say what would be trusted, and change nothing");
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, trust_context);
}

}  // namespace regsync::cli
