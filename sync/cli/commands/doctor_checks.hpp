// The checks of `regsync doctor`. Each adds findings with remedies, and throws no error of the part that it checks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/model/status_report.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

enum class Health { ok, warning, failed };

struct Finding {
  std::string subject;  // "keyring", "context prod"
  Health health = Health::ok;
  std::string text;
  std::string remedy;  // empty if ok
};
using Findings = std::vector<Finding>;

// Checks the session bus and the keyring. Returns whether the keyring answers.
bool check_secret_store(Console& console, Findings& findings);
// Checks the login files of the settings, if any. Returns them.
std::vector<std::filesystem::path> check_login_files(Findings& findings);
void check_program(Findings& findings);     // that no other program of this name comes first on PATH
void check_docker(Findings& findings);      // the helper on PATH, docker's config.json
void check_containers(Findings& findings);  // podman, skopeo and buildah, if one is installed
void check_helm(Findings& findings);        // if it is installed; oras reads docker's file
// Checks the units, the daemon and its status. Returns the status; nullopt if the daemon does not answer.
std::optional<StatusReport> check_service(Findings& findings);
// Checks the target files. Returns the readable targets; the others become findings.
std::vector<Target> check_files(Findings& findings);
// Checks each context that a target selects: whether it is reachable, its clock, and the rights that the targets need;
// also whether the daemon finds the same kubeconfig and plugins as this shell.
void check_contexts(const std::vector<Target>& targets, const std::optional<std::filesystem::path>& kubeconfig,
                    const std::optional<StatusReport>& daemon, Console& console, Findings& findings);
// Checks each login that a target uses: whether it exists, works for kubelet, and is still accepted by its registry.
// only: see LoginReader.
void check_logins(const std::vector<Target>& targets, const std::vector<std::filesystem::path>& only, Console& console,
                  Findings& findings);

}  // namespace regsync::cli
