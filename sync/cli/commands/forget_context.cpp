// regsync forget-context: forgets the Secrets that may be left in contexts that are gone.
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <vector>

#include "sync/cli/ask/context_call.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/control/requests.hpp"
#include "sync/engine/context_checks.hpp"
#include "sync/engine/footprint.hpp"

namespace regsync::cli {
namespace {

using Contexts = std::set<std::string>;

struct ForgetOptions {
  std::string context;
  bool yes = false;
  std::string dry_run;
  std::optional<std::filesystem::path> kubeconfig;
};

// Asks the daemon first, whose footprints may be in a hub.
Contexts meant_contexts(const ForgetOptions& options) {
  if (const auto daemon = connect_if_running()) {
    const control::ForgettableContextsRequest request{.pattern = options.context};
    const auto answer =
        daemon->call(control::methods::forgettable_contexts, control::to_json(request), context_call_time);
    return control::forgettable_contexts_answer_from_json(answer).contexts;
  }
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  const auto contexts =
      forgettable_contexts(options.context, kubeconfig.contexts(), kubeconfig.is_of_files(), known_footprints().all());
  return {contexts.begin(), contexts.end()};
}

void say(std::ostream& out, const Contexts& contexts, const char* what) {
  for (const std::string& context : contexts) {
    out << "context \"" << printable_line(context) << "\" " << what << "; Secrets that are left there stay\n";
  }
}

int forget_context(const ForgetOptions& options, Console& console) {
  const bool dry_run = dry_run_of(options.dry_run) != DryRun::none;
  const bool is_pattern = is_glob(options.context);
  const Contexts contexts = dry_run || is_pattern ? meant_contexts(options) : Contexts{options.context};
  if (dry_run) {
    say(console.out, contexts, "would be forgotten");
    return exit_done;
  }
  if (is_pattern && console.in_is_terminal && !options.yes) {
    say(console.err, contexts, "is forgotten");
    if (!confirm(console, "Forget them?")) {
      throw Error(ErrorCode::cancelled, "no context was forgotten");
    }
  }
  call_for_context(control::methods::forget_contexts,
                   control::to_json(control::ForgetContextsRequest{.contexts = contexts}), options.kubeconfig, console,
                   [&](Engine& engine) { engine.forget_contexts(contexts); });
  say(console.out, contexts, "forgotten");
  return exit_done;
}

}  // namespace

void define_forget_context(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ForgetOptions>();
  CLI::App* command =
      add_command(app, "forget-context", "Forget what may be left in a context that is not in the kubeconfig any more",
                  {{"After `kind delete cluster`", "regsync forget-context kind-kind"},
                   {"Of a fleet, all that are gone", "regsync forget-context 'fleet/*'"}});
  command->add_option("CONTEXT", options->context, "The context, or a pattern (* ? [a-z]) of several")->required();
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run, "Say what would be forgotten, and change nothing");
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, forget_context);
}

}  // namespace regsync::cli
