#include "sync/cli/ask/hand_over.hpp"

#include <chrono>
#include <ostream>
#include <set>

#include "sync/base/suggest.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"

namespace regsync::cli {
namespace {

void announce(const Target& target, DeclareResult result, Console& console) {
  console.out << "target \"" << target.name << "\" " << to_string(result) << ": "
              << printable_line(join(target.registries) + " -> Secret " + target.secret + " in " +
                                join(target.contexts))
              << '\n';
}

// Explains why the target has no Secret after a wait, and suggests the nearest existing namespace.
Error selects_nothing(const Target& target, const HandOver& how) {
  constexpr std::chrono::seconds patience{5};  // for each context, and for its plugin
  std::set<std::string> existing;
  const kube::Kubeconfig kubeconfig = load_kubeconfig(how.kubeconfig, patience);
  for_each_context(
      kubeconfig, selected_contexts({target}, kubeconfig), patience,
      [&](kube::KubeClient& client) -> asio::awaitable<void> {
        const std::vector<std::string> names = co_await namespace_names(client);
        existing.insert(names.begin(), names.end());
      },
      [](const std::string&, const Error&) {});
  std::string remedy = "it will be synced when such a namespace is made";
  for (const std::string& name_space : target.namespaces) {
    if (const std::string meant = closest(name_space, {existing.begin(), existing.end()}); !meant.empty()) {
      remedy = "did you mean -n " + shell_word(meant) + "? " + remedy;
    }
  }
  return {ErrorCode::not_found, "target \"" + target.name + "\" selects no namespace in " + join(target.contexts),
          remedy};
}

}  // namespace

int hand_over(const Target& target, DeclareResult result, ControlClient* daemon, const HandOver& how,
              Console& console) {
  const bool text = how.format == Format::table || how.format == Format::wide;
  if (daemon == nullptr) {
    if (text) {
      announce(target, result, console);
    } else {
      print_target(console.out, target, how.format);
    }
    if (!connect_if_running()) {
      tell(console.err, "note: regsyncd is not running, so nothing is synced yet; " + how_to_start_regsyncd() +
                            "; or sync once: regsync sync " + target.name + " --once\n");
    }
    return exit_done;
  }
  const std::string wait = how.wait.empty() ? default_wait : how.wait;
  const auto time = duration_of(wait, "--wait");
  const auto started = std::chrono::steady_clock::now();
  const StatusReport report =
      sync_and_wait(console, *daemon, {target.name}, how.adopt, time, how.format != Format::table);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  if (text) {
    announce(target, result, console);
  }
  if (report.rows.empty() && report.groups.empty() && reached(report)) {
    print_error(console.err, selects_nothing(target, how));
    return exit_not_as_asked;
  }
  if (text && !reached(report)) {
    print_folded(console.err, printable_line(std::string(is_stuck(report) ? "it cannot be in sync yet"
                                                                          : "not in sync after " + wait) +
                                             ": " + waited_for(report)) +
                                  '\n');
  }
  if (!text || !reached(report)) {
    print_report(console, report, how.format);
  }
  if (text && reached(report)) {
    console.out << summary(report) << " (" << took.count() << " ms)\n";
  }
  return reached(report) ? exit_done : exit_not_as_asked;
}

}  // namespace regsync::cli
