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
  std::vector<std::string> registries;  // only for these ("credHelpers"); none: for all ("credsStore")
  bool import_logins = false;           // move the logins that docker has now into the store
  bool containers = false;              // podman, skopeo and buildah too; see containers_config.hpp
  bool helm = false;                    // helm too: default_helm_config()
  bool dry_run = false;                 // say what would be done, and change nothing
  bool undo = false;                    // docker's config as before the first setup, without our helper, and no unit
  bool headless = false;  // first make a keyring for a machine without a desktop; see headless_keyring.hpp
  std::function<std::unique_ptr<CredentialStore>(Prompt)> open_store;
};

// Says on `out` what it did and on `err` what the person should know. Answers 0, or 1 when a login could not be
// imported (it stays where it was; when none could be, nothing changes), or an undo could not restore one (it stays in
// the store, and a later undo restores it; all else is undone). Throws Error before anything is changed: no
// store, no helper on PATH, a config that cannot be read. Interrupted at any point, no login is lost: a login leaves
// the file only after the store gave it back, and the files are replaced whole.
int run_setup(const SetupOptions& options, std::ostream& out, std::ostream& err);

}  // namespace regsync::cli
