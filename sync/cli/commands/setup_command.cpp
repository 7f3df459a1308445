// regsync setup: parses the options for setup.hpp.
#include <cstdlib>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <system_error>

#include "helper/base/text.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/asked_login.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/setup/setup.hpp"
#include "sync/cli/setup/user_service.hpp"
#include "sync/config/service_environment.hpp"
#include "sync/kube/config/client_environment.hpp"
#include "sync/logins/docker_config_file.hpp"

namespace regsync::cli {
namespace {

struct SetupCommand {
  SetupOptions setup;
  std::string variables;  // names, separated by commas
  std::string dry_run;
};

// Returns a variable's value in this shell. For an unset variable, returns "" if that means the same, because the user
// manager may have another value.
std::optional<std::string> value_here(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) {
    return kube::is_unset_when_empty(name) ? std::optional<std::string>("") : std::nullopt;
  }
  return kube::absolute_value(name, value);
}

// Copies the values of these variables from this shell to the service; makes paths absolute.
int give_environment(const std::string& names, bool dry_run, Console& console) {
  EnvironmentChanges changes;
  std::istringstream list(names);
  for (std::string item; std::getline(list, item, ',');) {
    const std::string name(trim(item));
    changes[name] = value_here(name);
  }
  if (dry_run) {
    static_cast<void>(changed_environment("", changes));  // throws if the file cannot hold a value
  } else {
    change_service_environment(paths::service_environment(), changes);
  }
  for (const auto& [name, value] : changes) {
    const char* const done = !value ? "taken out of " : value->empty() ? "set to nothing in " : "set in ";
    console.out << name << (value && !value->empty() ? "" : " is not set here, and")
                << (dry_run ? " would be " : " is ") << done << paths::service_environment().string() << '\n';
  }
  if (!dry_run) {
    restart_user_service(console.out);
  }
  return exit_done;
}

// Also accepts the folder, like $DOCKER_CONFIG.
std::filesystem::path docker_config_of(const std::filesystem::path& given) {
  std::error_code ignored;
  return given.empty()                                   ? default_docker_config()
         : std::filesystem::is_directory(given, ignored) ? given / "config.json"
                                                         : given;
}

int setup(const SetupCommand& given, Console& console) {
  const bool dry_run = dry_run_of(given.dry_run) != DryRun::none;
  if (!given.variables.empty()) {
    return give_environment(given.variables, dry_run, console);
  }
  for (const std::string& registry : given.setup.registries) {
    asked_login(registry, "");
  }
  SetupOptions options = given.setup;
  options.dry_run = dry_run;
  options.docker_config = docker_config_of(options.docker_config);
  options.open_store = console.open_store;
  return run_setup(options, console.out, console.err);
}

}  // namespace

void define_setup(CLI::App& app, Invocation& invocation) {
  auto command_options = std::make_shared<SetupCommand>();
  SetupOptions* const options = &command_options->setup;
  CLI::App* command = add_command(
      app, "setup", "Make docker keep its logins in the keyring, and start regsyncd at login",
      {{"Everything, and take over the logins that docker has now", "regsync setup --import"},
       {"Only for one registry; docker's other logins stay where they are", "regsync setup --registry ghcr.io"},
       {"On a machine without a desktop: first make a keyring", "regsync setup --headless"},
       {"Give the service the kubeconfigs and plugins of this shell", "regsync setup --environment KUBECONFIG,PATH"},
       {"See what it would do", "regsync setup --import --dry-run"},
       {"Docker's configuration as it was before", "regsync setup --undo"}});
  const std::vector<CLI::Option*> steps = {
      command->add_flag("--import", options->import_logins, "Move docker's present logins to the keyring"),
      add_strings(command, "--registry", options->registries, "Only for this registry (credHelpers); may be repeated"),
      command->add_flag("--containers", options->containers, "Also for podman, skopeo and buildah"),
      command->add_flag("--helm", options->helm, "Also for helm"),
      command->add_flag("--headless", options->headless, "First make a keyring that needs no desktop")};
  add_dry_run(command, command_options->dry_run, "Say what would be done, and change nothing");
  CLI::Option* undo = command->add_flag("--undo", options->undo, "Put everything back as it was");
  CLI::Option* docker_config = command
                                   ->add_option("--docker-config", options->docker_config,
                                                "Docker's config.json, or the folder that holds it (default: "
                                                "$DOCKER_CONFIG or ~/.docker)")
                                   ->type_name("FILE");
  CLI::Option* environment =
      command
          ->add_option("--environment", command_options->variables,
                       "Only give the service these variables of this shell; separated by commas")
          ->type_name("NAMES")
          ->excludes(undo)
          ->excludes(docker_config);
  for (CLI::Option* step : steps) {
    undo->excludes(step);
    environment->excludes(step);
  }
  on_command(command, invocation, command_options, setup);
}

}  // namespace regsync::cli
