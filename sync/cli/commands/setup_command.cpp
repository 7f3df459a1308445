// regsync setup: the options of setup.hpp.
#include "sync/cli/command.hpp"
#include "sync/cli/setup/setup.hpp"
#include "sync/logins/docker_config_file.hpp"

namespace regsync::cli {
namespace {

int setup(const SetupOptions& given, Console& console) {
  SetupOptions options = given;
  if (options.docker_config.empty()) {
    options.docker_config = default_docker_config();
  }
  options.open_store = [&console] { return console.open_store(Prompt::allowed); };
  return run_setup(options, console.out, console.err);
}

}  // namespace

void define_setup(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<SetupOptions>();
  CLI::App* command = add_command(
      app, "setup", "Make docker keep its logins in the keyring, and start regsyncd at login",
      {{"Everything, and take over the logins that docker has now", "regsync setup --import"},
       {"Only for one registry; docker's other logins stay where they are", "regsync setup --registry ghcr.io"},
       {"On a machine without a desktop: first make a keyring", "regsync setup --headless"},
       {"Docker's configuration as it was before", "regsync setup --undo"}});
  CLI::Option* import =
      command->add_flag("--import", options->import_logins, "Move docker's present logins to the keyring");
  add_strings(command, "--registry", options->registries, "Only for this registry (credHelpers); may be repeated");
  command->add_flag("--containers", options->containers, "Also for podman, skopeo and buildah");
  command->add_flag("--headless", options->headless, "First make a keyring that needs no desktop");
  command->add_flag("--undo", options->undo, "Put everything back as it was")->excludes(import);
  command
      ->add_option("--docker-config", options->docker_config,
                   "Docker's config.json (default: $DOCKER_CONFIG or ~/.docker)")
      ->type_name("FILE");
  on_command(command, invocation, options, setup);
}

}  // namespace regsync::cli
