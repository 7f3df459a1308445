// regsync remove: forgets a target, and deletes the Secrets that it owns.
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/log.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/local_engine.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

struct RemoveOptions {
  std::string name;
  bool keep_secrets = false;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

constexpr std::chrono::seconds deletion_time{60};

// In this process: as the daemon does it, the intent is on disk before the file goes.
StatusReport remove_here(const RemoveOptions& options, Console& console) {
  log::set_level(log::Level::error);  // the report says the rest
  if (!TargetDirectory(paths::targets()).load().contains(options.name)) {
    require_target(options.name);  // says what was meant; a file that cannot be read is no obstacle
  }
  const auto work = [&](Engine& engine) {
    engine.forget_target(options.name, options.keep_secrets);
    TargetDirectory(paths::targets()).remove(options.name);
    return engine.sync(options.name, false);
  };
  return run_engine(console, options.kubeconfig, "regsync remove", work, options.name);
}

StatusReport remove_by_daemon(const RemoveOptions& options, ControlClient& daemon) {
  const nlohmann::json params = {{"target", options.name}, {"keepSecrets", options.keep_secrets}};
  try {
    return control::report_from_json(daemon.call("remove", params, deletion_time));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      require_target(options.name);  // says what was meant
    }
    throw;
  }
}

int remove(const RemoveOptions& options, Console& console) {
  const auto daemon = connect_if_running();
  const StatusReport left = daemon ? remove_by_daemon(options, *daemon) : remove_here(options, console);

  if (options.format != Format::table) {
    print_report(console, left, options.format);
  } else if (left.rows.empty()) {
    console.out << "target \"" << options.name << "\" removed"
                << (options.keep_secrets ? "; its Secrets stay, as nobody's\n" : " with all its Secrets\n");
  } else {
    console.out << "target \"" << options.name << "\" removed; " << count_of(left.rows.size(), "Secret")
                << (options.keep_secrets ? " may still be ours, and is given away as soon as possible:\n"
                                         : " may be left, and is deleted as soon as possible:\n");
    print_report(console, left, options.format);
  }
  return left.rows.empty() ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_remove(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<RemoveOptions>();
  CLI::App* command = add_command(
      app, "remove", "Forget a target and delete the Secrets that it owns, everywhere",
      {{"The target and its Secrets", "regsync remove myregcred"},
       {"The target only; pods go on pulling with what is there", "regsync remove myregcred --keep-secrets"}});
  command->add_option("NAME", options->name, "The target")->required();
  command->add_flag("--keep-secrets", options->keep_secrets, "Leave the Secrets in the clusters");
  add_output(command, options->format, {Format::json, Format::yaml, Format::name});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, remove);
}

}  // namespace regsync::cli
