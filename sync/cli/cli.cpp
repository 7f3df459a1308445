#include "sync/cli/cli.hpp"

#include <algorithm>
#include <ostream>
#include <sstream>

#include "sync/base/suggest.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/completion.hpp"
#include "sync/cli/view/help.hpp"

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

const CLI::App* given_command(const CLI::App* app) {
  const auto commands = app->get_subcommands();
  return commands.empty() ? app : given_command(commands.front());
}

std::vector<std::string> visible_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) {
      names.push_back(command->get_name());
    }
  }
  return names;
}

std::vector<std::string> long_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

// The words as CLI11 wants them where kubectl is more tolerant: "-o=json" is "-o json", options before the command go
// after it, "help add" is "add --help", and nothing at all is help.
std::vector<std::string> as_typed_for_kubectl(std::vector<std::string> words, const CLI::App& app) {
  if (words.empty()) {
    return {"--help"};
  }
  if (words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
    return words;
  }
  for (std::string& word : words) {
    if (word == "--") {
      break;
    }
    if (word.size() > 3 && word[0] == '-' && word[1] != '-' && word[2] == '=') {
      word.erase(2, 1);
    }
  }
  const auto is_command = [&](const std::string& word) {
    return !app.get_subcommands([&](const CLI::App* command) { return command->check_name(word); }).empty();
  };
  const auto command = std::ranges::find_if(words, is_command);
  if (words.front().starts_with("-") && command != words.end()) {
    std::rotate(words.begin(), command, command + 1);
  }
  return words;
}

// What CLI11 found wrong, in the words of this program.
UsageError explain(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App& command = *given_command(&app);
  const bool top = &command == &app;
  const std::string see = "see: " + std::string(top ? "regsync" : "regsync " + command.get_name()) + " --help";

  const auto unknown = app.remaining(/*recurse=*/true);
  if (!unknown.empty() && error.get_name() != "RequiredError") {
    const std::string& word = unknown.front();
    if (word.starts_with("-")) {
      const std::string option = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
      if (command.get_option_no_throw(option) != nullptr) {
        return UsageError(option + " is given before the command",
                          "put it after: regsync " + command.get_name() + " " + option + " …");
      }
      const std::string meant = closest(option, long_options(command));
      return UsageError("unknown option " + word, meant.empty() ? see : "did you mean " + meant + "? " + see);
    }
    if (!top) {
      return UsageError("unexpected argument \"" + word + "\"", see);
    }
  }
  if (top && !unknown.empty()) {
    const std::string meant = closest(unknown.front(), visible_commands(app));
    return UsageError("unknown command \"" + unknown.front() + "\"",
                      meant.empty() ? see : "did you mean \"regsync " + meant + "\"? " + see);
  }
  if (top) {
    return UsageError("no command given", see);
  }
  const std::string said = error.what();
  if (error.get_name() == "ArgumentMismatch") {
    return UsageError(said.substr(0, said.find(':')) + " needs a value", see);
  }
  // "--on-logout: delete not in {keep,remove}"
  if (const auto set = said.find(" not in {"); set != std::string::npos) {
    const auto colon = said.find(": ");
    std::istringstream values(said.substr(set + 9, said.find('}', set) - set - 9));
    std::vector<std::string> allowed;
    for (std::string value; std::getline(values, value, ',');) {
      allowed.push_back(value);
    }
    return UsageError(said.substr(0, colon) + ": unsupported value \"" + said.substr(colon + 2, set - colon - 2) + "\"",
                      "use " + one_of(allowed));
  }
  return UsageError(said, see);
}

// `regsync __complete -- WORD…`, for the completion scripts: whatever the words are, they are data and no options.
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
    std::ranges::reverse(words);  // as CLI11 wants them
    app.parse(std::move(words));
    return invocation.action();
  } catch (const CLI::CallForHelp&) {
    console.out << as_called(given_command(&app)->help());
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
