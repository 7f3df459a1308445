// `regsync setup`: makes docker (and oras, which reads the same file), and on request helm, podman, skopeo and buildah,
// keep their logins with docker-credential-regsync, and undoes it.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "helper/store/credential_store.hpp"

namespace regsync::cli {

struct SetupOptions {
  std::filesystem::path docker_config;  // default_docker_config()
  std::vector<std::string> registries;  // set up only these ("credHelpers"); none: all ("credsStore")
  bool import_logins = false;           // move docker's present logins into the store
  bool containers = false;              // podman, skopeo and buildah too; see containers_config.hpp
  bool helm = false;                    // helm too: default_helm_config()
  bool dry_run = false;                 // print what would be done, and change nothing
  bool undo = false;                    // restore the config from before the first setup, and disable the units
  bool headless = false;  // first make a keyring for a machine without a desktop; see headless_keyring.hpp
  std::function<std::unique_ptr<CredentialStore>(Prompt)> open_store;
};

// Prints its actions to `out` and warnings to `err`. Returns 0, or 1 if a login could not be imported (it stays where
// it was; if none could be, nothing changes), or if an undo could not restore one (it stays in the store for a later
// undo; everything else is undone). Throws Error before any change if there is no store, no helper on PATH, or an
// unreadable config. An interruption loses no login: a login is removed from the file only after it was read back from
// the store, and files are replaced atomically.
int run_setup(const SetupOptions& options, std::ostream& out, std::ostream& err);

}  // namespace regsync::cli
