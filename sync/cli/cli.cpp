#include "sync/cli/cli.hpp"

#include <algorithm>
#include <ostream>

#include "sync/cli/command.hpp"
#include "sync/cli/completion.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/help.hpp"
#include "sync/cli/view/wrong_use.hpp"

namespace regsync::cli {
namespace {

constexpr const char* about =
    "regsync keeps Kubernetes pull secrets equal to your registry logins: log in once with docker login, and every "
    "cluster you chose can pull.";

constexpr const char* first_steps =
    "First steps:\n"
    "  regsync setup                                  # docker login goes to the keyring\n"
    "  docker login ghcr.io\n"
    "  regsync add myregcred --registry ghcr.io -n default --wait\n"
    "  regsync status\n"
    "\n"
    "More about a command: regsync COMMAND --help. What is wrong: regsync doctor.\n"
    "Exit codes: 0 done, 1 not in the asked state, 2 wrong use.";

void define_commands(CLI::App& app, Invocation& invocation) {
  app.description(about);
  app.name("regsync");
  app.footer(first_steps);
  app.formatter(make_help_formatter());
  app.set_help_flag("-h,--help", "Show this help");
  app.set_version_flag("--version", REGSYNC_VERSION, "Show the version");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error&) { return std::string(); });
  define_add(app, invocation);
  define_edit(app, invocation);
  define_set(app, invocation);
  define_apply(app, invocation);
  define_rename(app, invocation);
  define_pause(app, invocation);
  define_resume(app, invocation);
  define_remove(app, invocation);
  define_list(app, invocation);
  define_describe(app, invocation);
  define_show(app, invocation);
  define_status(app, invocation);
  define_sync(app, invocation);
  define_rollback(app, invocation);
  define_diff(app, invocation);
  define_explain(app, invocation);
  define_verify(app, invocation);
  define_history(app, invocation);
  define_login(app, invocation);
  define_logout(app, invocation);
  define_logins(app, invocation);
  define_setup(app, invocation);
  define_doctor(app, invocation);
  define_dashboard(app, invocation);
  define_rbac(app, invocation);
  define_forget_context(app, invocation);
  define_trust_context(app, invocation);
  define_completion(app, invocation);
  define_version(app, invocation);
}

// `regsync __complete -- WORD…`, for the completion scripts. The words are data, never options.
int print_candidates(const CLI::App& app, const std::vector<std::string>& arguments, Console& console) {
  const bool dashes = arguments.size() > 1 && arguments[1] == "--";
  const Candidates candidates = complete(app, {arguments.begin() + (dashes ? 2 : 1), arguments.end()}, console);
  for (const std::string& value : candidates.values) {
    console.out << value << '\n';
  }
  console.out << (candidates.files ? ":0\n" : ":4\n");
  return exit_done;
}

}  // namespace

int run(const std::vector<std::string>& arguments, Console& console) {
  CLI::App app;
  Invocation invocation{console};
  try {
    define_commands(app, invocation);
    set_program(console.program, visible_commands(app));
    if (!arguments.empty() && arguments.front() == "__complete") {
      return print_candidates(app, arguments, console);
    }
    std::vector<std::string> words = as_typed_for_kubectl(arguments, app);
    std::ranges::reverse(words);  // CLI11 expects them in reverse order
    app.parse(std::move(words));
    require_values(*given_command(&app));
    return invocation.action();
  } catch (const CLI::CallForHelp&) {
    tell(console.out, given_command(&app)->help());
    return exit_done;
  } catch (const CLI::CallForVersion&) {
    console.out << "regsync " REGSYNC_VERSION "\n";
    return exit_done;
  } catch (const CLI::ParseError& error) {
    print_error(console.err, explain(error, app));
    return exit_wrong_use;
  } catch (const UsageError& error) {
    print_error(console.err, error);
    return exit_wrong_use;
  } catch (...) {
    print_error(console.err, current_error());
    return invocation.exit_on_error;
  }
}

}  // namespace regsync::cli
