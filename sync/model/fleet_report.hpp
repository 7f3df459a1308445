// FleetReport is the summary for the page and the metrics; its size does not depend on the number of Secrets. Plain
// data; contains no secret.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// A login, without its user.
struct LoginStatus {
  std::string registry;             // as RegistryKey has it: "ghcr.io", "work@ghcr.io"
  std::string helper = {};          // the credential helper that provides it; empty: the keyring, or a file
  bool in_doubt = false;            // denied, not tried yet, or not provided yet
  std::optional<WallTime> expires;  // if a target wants it, and the end is known
  std::optional<Error> problem;     // why it is unavailable now, or why kubelet cannot use it
};

struct FleetReport {
  StatusReport overview;               // groups, sorted by target and context, and no rows
  std::vector<LoginStatus> logins;     // sorted by registry
  bool in_kubeconfig = true;           // whether the contexts are a kubeconfig's; otherwise a fleet's
  std::string role;                    // of this replica: "leads", "stands by"; empty: the only replica
  std::size_t slots = 1;               // leases that share the clusters among replicas
  std::size_t slots_held = 0;          // slots whose clusters this replica serves
  std::vector<std::string> waits_for;  // what it has not read from the hub yet: "the lease regsync"
  bool was_complete = false;           // whether an earlier report was complete
  // Why the contexts cannot be read; each target lists it among its problems, too.
  std::optional<Error> contexts_problem = {};

  // Whether this one of several replicas serves no cluster and waits only for a Lease.
  [[nodiscard]] bool stands_by() const { return !role.empty() && slots_held == 0 && waits_for.empty(); }
  // Whether it waits for nothing and each context was listed once or cannot be: the groups then match the clusters.
  [[nodiscard]] bool is_complete() const;
  // Whether it was complete once and waits for nothing: a context that is added later takes no replica out of service.
  [[nodiscard]] bool ready() const { return waits_for.empty() && (was_complete || is_complete()); }
};

// Records in `now` that `before`, or an earlier report, was complete.
void carry_completeness(const FleetReport& before, FleetReport& now);

// Records in `now` when the groups that were in sync in `before` ceased to be.
void carry_last_in_sync(const FleetReport& before, FleetReport& now, WallTime when);

// "41/42 in sync, 1 stuck".
std::string summary_of(const StateCounts& secrets);

}  // namespace regsync
