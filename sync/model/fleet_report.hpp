// A StatusReport whose size does not depend on the number of Secrets: for each target in each context it counts them by
// state, and names what is wrong. The page, the metrics and the line of `systemctl status` are made from it. Plain
// data; no secret is in it.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// Why Secrets of a cell are not in sync. Causes with one code are one: their texts differ by the namespace at most.
struct FleetCause {
  Error error;  // of the first of these Secrets
  std::size_t secrets = 0;
};

// How many Secrets are in each SyncState.
using SecretCounts = std::array<std::size_t, static_cast<std::size_t>(SyncState::paused) + 1>;

struct FleetCell {
  std::string target;
  std::string context;
  SecretCounts secrets{};
  std::optional<WallTime> since;         // not all in sync: the state that lasts longest
  std::optional<WallTime> last_in_sync;  // not all in sync: when they were; nothing if never since the start
  std::vector<FleetCause> causes;

  [[nodiscard]] std::size_t in(SyncState state) const { return secrets.at(static_cast<std::size_t>(state)); }
  [[nodiscard]] std::size_t all() const;
  // Or paused, or in a namespace that ends.
  [[nodiscard]] bool in_sync() const {
    return in(SyncState::in_sync) + in(SyncState::terminating) + in(SyncState::paused) == all();
  }
};

struct FleetReport {
  StatusReport overview;                       // without rows
  std::vector<FleetCell> cells;                // sorted by target, context
  std::map<RegistryKey, WallTime> login_ends;  // of the logins that targets want, where it is known
  std::set<RegistryKey> logins_in_doubt;       // their present login is denied, or not tried yet
  std::string role;                            // of this replica: "leads", "stands by"; empty: it is the only one
  std::size_t slots_held = 0;                  // of the leases that share the clusters among replicas
  std::vector<std::string> waits_for;          // what it has not read of others yet: "the lease regsync"

  [[nodiscard]] std::size_t in(SyncState state) const;
  [[nodiscard]] std::size_t all() const;
  // Of several replicas, this one writes nothing now.
  [[nodiscard]] bool stands_by() const { return !role.empty() && slots_held == 0; }
  // Whether it waits for nothing, and each context was listed once, or cannot be: what the cells say is what the
  // clusters hold.
  [[nodiscard]] bool ready() const;
};

// Counts the rows of one target in one context; nothing where there are none.
std::optional<FleetCell> cell_of(const std::vector<StatusRow>& rows);

// Notes in `now` when the cells that were in sync in `before` ceased to be.
void carry_last_in_sync(const FleetReport& before, FleetReport& now, WallTime when);

// "41/42 in sync, 1 stuck".
std::string summary_of(const SecretCounts& secrets);

}  // namespace regsync
