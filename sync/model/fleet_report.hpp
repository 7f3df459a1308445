// FleetReport is the summary that the page and the metrics are made from; its size does not depend on the number of
// Secrets. Plain data; no secret is in it.
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
  std::string helper = {};          // the credential helper that gives it; empty: the keyring, or a file
  bool in_doubt = false;            // denied, not tried yet, or not given yet
  std::optional<WallTime> expires;  // where a target wants it, and that is known
  std::optional<Error> problem;     // why it cannot be had now, or why kubelet cannot use it
};

struct FleetReport {
  StatusReport overview;               // groups, sorted by target and context, and no rows
  std::vector<LoginStatus> logins;     // sorted by registry
  bool in_kubeconfig = true;           // the contexts; else they are a fleet's
  std::string role;                    // of this replica: "leads", "stands by"; empty: it is the only one
  std::size_t slots = 1;               // leases that share the clusters among replicas
  std::size_t slots_held = 0;          // of these, whose clusters it serves
  std::vector<std::string> waits_for;  // what it has not read of others yet: "the lease regsync"
  bool was_complete = false;           // of a report before this one
  // Why it cannot be read which contexts there are; each target has it among its problems, too.
  std::optional<Error> contexts_problem = {};

  // This one of several replicas serves no cluster, and waits for nothing but a Lease.
  [[nodiscard]] bool stands_by() const { return !role.empty() && slots_held == 0 && waits_for.empty(); }
  // Whether it waits for nothing, and each context was listed once, or cannot be: what the groups say is what the
  // clusters hold.
  [[nodiscard]] bool is_complete() const;
  // Whether it was so once, and it waits for nothing: a context that comes later takes no replica out of service.
  [[nodiscard]] bool ready() const { return waits_for.empty() && (was_complete || is_complete()); }
};

// Notes in `now` that `before`, or one before that, was complete.
void carry_completeness(const FleetReport& before, FleetReport& now);

// Notes in `now` when the groups that were in sync in `before` ceased to be.
void carry_last_in_sync(const FleetReport& before, FleetReport& now, WallTime when);

// "41/42 in sync, 1 stuck".
std::string summary_of(const StateCounts& secrets);

}  // namespace regsync
