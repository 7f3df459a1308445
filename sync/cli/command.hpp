// A command family declares its options and help to CLI11, and its work as an action that runs after the whole command
// line was validated. Each family has a define_… function; cli.cpp calls them in the order of the help.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "sync/cli/ask/preview.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/cli/view/output.hpp"

namespace regsync::cli {

struct Invocation {
  Console& console;
  std::function<int()> action = {};       // of the command that was given
  int exit_on_error = exit_not_as_asked;  // the exit code for an Error of the action (2 for diff, as in kubectl)
};

void define_add(CLI::App& app, Invocation& invocation);
void define_apply(CLI::App& app, Invocation& invocation);
void define_describe(CLI::App& app, Invocation& invocation);
void define_set(CLI::App& app, Invocation& invocation);
void define_rename(CLI::App& app, Invocation& invocation);
void define_pause(CLI::App& app, Invocation& invocation);
void define_resume(CLI::App& app, Invocation& invocation);
void define_edit(CLI::App& app, Invocation& invocation);
void define_remove(CLI::App& app, Invocation& invocation);
void define_list(CLI::App& app, Invocation& invocation);
void define_status(CLI::App& app, Invocation& invocation);
void define_sync(CLI::App& app, Invocation& invocation);
void define_diff(CLI::App& app, Invocation& invocation);
void define_explain(CLI::App& app, Invocation& invocation);
void define_rollback(CLI::App& app, Invocation& invocation);
void define_verify(CLI::App& app, Invocation& invocation);
void define_dashboard(CLI::App& app, Invocation& invocation);
void define_doctor(CLI::App& app, Invocation& invocation);
void define_show(CLI::App& app, Invocation& invocation);
void define_rbac(CLI::App& app, Invocation& invocation);
void define_setup(CLI::App& app, Invocation& invocation);
void define_completion(CLI::App& app, Invocation& invocation);
void define_history(CLI::App& app, Invocation& invocation);
void define_forget_context(CLI::App& app, Invocation& invocation);
void define_trust_context(CLI::App& app, Invocation& invocation);
void define_login(CLI::App& app, Invocation& invocation);
void define_logout(CLI::App& app, Invocation& invocation);
void define_logins(CLI::App& app, Invocation& invocation);
void define_version(CLI::App& app, Invocation& invocation);

// Adds a command to `app`. Each example has a line of its own: {"what it is for", "regsync …"}.
struct Example {
  const char* purpose;
  const char* line;
};
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& summary,
                      std::initializer_list<Example> examples);

// Makes `work(options)` the action if the command is given; the action keeps the options alive.
template <typename Options>
void on_command(CLI::App* command, Invocation& invocation, const std::shared_ptr<Options>& options,
                int (*work)(const Options&, Console&)) {
  command->callback([&invocation, options, work] {
    invocation.action = [&invocation, options, work] { return work(*options, invocation.console); };
  });
}

// Options with the same meaning in all commands.
CLI::Option* add_strings(CLI::App* command, const std::string& name, std::vector<std::string>& values,
                         const std::string& help);  // one value each time the option is given
void add_output(CLI::App* command, Format& format, std::initializer_list<Format> formats);
void add_no_headers(CLI::App* command, Format& format);
// --dry-run[=client|server]. `help`: for a command that treats both values alike, because it changes no target.
void add_dry_run(CLI::App* command, std::string& value,
                 const std::string& help =
                     "Change nothing; client (the default) shows what would be declared, server "
                     "what would change in clusters");
DryRun dry_run_of(const std::string& value);  // throws UsageError
// Adds -A, which kubectl's users type. It has no effect: commands about targets cover all their namespaces anyway.
void add_all_namespaces(CLI::App* command);
void add_kubeconfig(CLI::App* command, std::optional<std::filesystem::path>& path);

}  // namespace regsync::cli
