// Computes what a change of a target would do to the clusters. Blocks; one thread.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/cli/ask/differences.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// The value of --dry-run: `client` shows only the declaration, `server` also reads the clusters.
enum class DryRun { none, client, server };

struct TargetChange {
  std::optional<Target> before;  // nullopt: the target is new
  std::optional<Target> after;   // nullopt: it is removed
  // The plan of `after`, if it uses other logins than those that can be read now.
  std::shared_ptr<const Plan> plan = nullptr;
  // Only these contexts, as if they were no longer paused; none: all.
  std::set<std::string> resumed = {};
  std::string owner = {};                          // as --owner; empty: the usual owner
  std::vector<std::filesystem::path> logins = {};  // files to read logins from; none: the usual sources
  Adoption adoption = Adoption::none;              // which Secrets of others the change takes over
};

struct Preview {
  std::vector<Difference> changes;
  std::vector<std::string> paused;       // "context prod", "target web": nothing changes there until they are resumed
  std::vector<std::string> unknown;      // what could not be read: "context prod: cannot connect"
  std::vector<PlacedProblem> obstacles;  // what keeps a Secret from being as declared

  // Whether a person should confirm the change first.
  [[nodiscard]] bool needs_consent() const { return !changes.empty() || !unknown.empty() || !obstacles.empty(); }
  // Whether the change takes over, or may take over, a Secret of somebody else.
  [[nodiscard]] bool may_take_over() const;
};

// Reads every context that the target selects before or after the change. Never prompts; what cannot be read within a
// few seconds is in `unknown`.
Preview preview(Console& console, const kube::Kubeconfig& kubeconfig, const TargetChange& change);

// Formats the preview for people: a line for each kind of change and context, which names only the first namespaces.
std::string describe(const Preview& preview);
// Prints describe() below a heading, and warnings about what will not be as the target declares.
void print_preview(Console& console, std::ostream& out, const std::string& heading, const Preview& preview);

}  // namespace regsync::cli
