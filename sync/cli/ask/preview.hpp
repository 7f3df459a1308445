// Computes what a change of a target would do to the clusters, before it is made. Blocks; one thread.
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

// How far --dry-run goes: `client` shows the declaration only, `server` also reads the clusters.
enum class DryRun { none, client, server };

struct TargetChange {
  std::optional<Target> before;  // nothing: the target is new
  std::optional<Target> after;   // nothing: it is removed
  // Of `after`, where other logins are meant than those that can be read now.
  std::shared_ptr<const Plan> plan = nullptr;
  // Only these contexts, as they are once they are no longer paused; none: all.
  std::set<std::string> resumed = {};
  std::string owner = {};                          // whose Secrets are ours; empty: as usual
  std::vector<std::filesystem::path> logins = {};  // files to read logins from; none: the keyring, as usual
  Adoption adoption = Adoption::none;              // what is taken over with it
};

struct Preview {
  std::vector<Difference> changes;
  std::vector<std::string> paused;       // "context prod", "target web": nothing changes there before they are resumed
  std::vector<std::string> unknown;      // "context prod: cannot connect", of what could not be read
  std::vector<PlacedProblem> obstacles;  // what keeps a Secret from being as the target wants it

  // Whether a person should say yes to it first.
  [[nodiscard]] bool needs_consent() const { return !changes.empty() || !unknown.empty() || !obstacles.empty(); }
  // Whether a Secret that is not regsync's is taken over, or may be.
  [[nodiscard]] bool may_take_over() const;
};

// Reads every context that the target selects before or after the change. Never prompts; what cannot be read within
// some seconds is unknown.
Preview preview(Console& console, const kube::Kubeconfig& kubeconfig, const TargetChange& change);

// The same for people: a line for each kind of change and context, with at most some namespaces named.
std::string describe(const Preview& preview);
// That, below a heading, and warnings of what will not be as the target wants it.
void print_preview(Console& console, std::ostream& out, const std::string& heading, const Preview& preview);

}  // namespace regsync::cli
