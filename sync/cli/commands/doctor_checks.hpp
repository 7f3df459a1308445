// The checks of `regsync doctor`. Each answers verdicts with remedies and never throws for what it checks.
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

// The session bus and the keyring; whether the keyring answers.
bool check_secret_store(Console& console, Findings& findings);
// The login files that the settings name, if any. Returns them.
std::vector<std::filesystem::path> check_login_files(Findings& findings);
void check_program(Findings& findings);     // that no other program of this name comes first on PATH
void check_docker(Findings& findings);      // the helper on PATH, docker's config.json
void check_containers(Findings& findings);  // podman, skopeo and buildah, where one is installed
void check_helm(Findings& findings);        // where it is installed; oras reads docker's file
// The units, the daemon and what it says. Returns its report; nothing where it does not answer.
std::optional<StatusReport> check_service(Findings& findings);
// The readable targets; what is wrong with the others is found.
std::vector<Target> check_files(Findings& findings);
// Each context that a target selects: reachable, its clock, the rights that the targets need; and whether the daemon
// finds the same kubeconfig and plugins as this shell.
void check_contexts(const std::vector<Target>& targets, const std::optional<std::filesystem::path>& kubeconfig,
                    const std::optional<StatusReport>& daemon, Console& console, Findings& findings);
// Each login that a target uses: there, fit for kubelet, and still accepted by its registry. only: see LoginReader.
void check_logins(const std::vector<Target>& targets, const std::vector<std::filesystem::path>& only, Console& console,
                  Findings& findings);

}  // namespace regsync::cli
