// StatusReport is regsync's state: for every target × context × namespace whether the cluster holds what it should, and
// if not, why, since when, and what to do. Plain data; contains no secret.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/credential.hpp"

namespace regsync {

using WallTime = std::chrono::system_clock::time_point;

enum class SyncState : std::uint8_t {
  in_sync,      // the cluster holds what it should
  pending,      // being worked on, or waiting for the first complete list or reading
  retrying,     // failed for a temporary reason; next_try says when it is retried
  stuck,        // waits for a person or for an event (a namespace, a login); the cause has a remedy
  removing,     // to be deleted, not done yet
  terminating,  // the namespace is being deleted; nothing to do
  paused,       // the user paused the target or the context: nothing is written or deleted
};

// "InSync", "Pending", "Retrying", "Stuck", "Removing", "Terminating", "Paused"
std::string_view to_string(SyncState state);

inline constexpr std::array sync_states = {SyncState::in_sync, SyncState::pending,  SyncState::retrying,
                                           SyncState::stuck,   SyncState::removing, SyncState::terminating,
                                           SyncState::paused};

// Whether a state needs no action.
bool is_as_asked(SyncState state);

struct StatusRow {
  std::string target;
  std::string context;
  std::string name_space;  // empty: the context as a whole, which could not be read yet
  std::string secret;
  SyncState state = SyncState::pending;
  std::optional<Error> cause;
  WallTime since;                       // in this state
  std::optional<WallTime> last_change;  // our last write there, by this process
  std::optional<WallTime> next_try;
};

// How many rows are in each state.
class StateCounts {
 public:
  StateCounts() = default;
  StateCounts(std::initializer_list<std::pair<SyncState, std::size_t>> counts);

  std::size_t& operator[](SyncState state) { return counts_.at(static_cast<std::size_t>(state)); }
  std::size_t operator[](SyncState state) const { return counts_.at(static_cast<std::size_t>(state)); }
  StateCounts& operator+=(const StateCounts& other);
  StateCounts& operator-=(const StateCounts& other);
  [[nodiscard]] std::size_t all() const;
  [[nodiscard]] std::size_t as_asked() const;
  bool operator==(const StateCounts&) const = default;

 private:
  std::array<std::size_t, sync_states.size()> counts_{};
};

// Why rows are in their state: the rows of one target in one context with one error code. Their messages differ at most
// by namespace.
struct StatusCause {
  Error error;  // of the first of them
  std::size_t count = 0;
  std::vector<std::string> namespaces = {};  // the first of them; "" for the context as a whole
  bool alike = true;                         // all have exactly this message
};

// The row counts of one target in one context: its size does not depend on their number.
struct StatusGroup {
  std::string target;
  std::string context;
  StateCounts states = {};
  std::map<std::string, std::size_t> reasons = {};  // for rows not as asked: error codes, or states if there is none
  WallTime since = {};                              // of the latest change of state
  std::optional<WallTime> failing_since = {};       // for rows not as asked: the state that has lasted longest
  std::optional<WallTime> last_in_sync = {};        // if not all are as asked: when they last were, if known
  std::vector<StatusCause> causes = {};

  [[nodiscard]] std::size_t count(SyncState state) const { return states[state]; }
  [[nodiscard]] std::size_t rows() const { return states.all(); }
  [[nodiscard]] bool is_as_asked() const { return states.as_asked() == rows(); }
};

struct TargetStatus {
  std::string name;
  std::string secret;
  std::vector<std::string> registries;
  bool removing = false;                 // removed by the user; Secrets are still to be deleted
  std::vector<Error> problems;           // the file, a missing or unusable login, no matching context
  bool paused = false;                   // by the user
  std::optional<WallTime> expires = {};  // when the first of its logins ends, if known
};

struct ContextStatus {
  std::string name;
  std::string server;
  bool connected = false;        // the last list or watch succeeded
  std::optional<Error> problem;  // why not
  bool paused = false;           // by the user
};

struct StatusReport {
  std::string version;
  int pid = 0;
  std::string owner;  // "id user@host"
  WallTime started;
  // The part of the daemon's environment that decides which kubeconfig and plugins it finds and how it reaches clusters
  // (sync/kube/config/client_environment.hpp).
  std::map<std::string, std::string> environment;
  std::optional<Error> store;         // why the keyring cannot be read now
  std::vector<Error> problems;        // of the daemon itself: settings, metrics, files it cannot follow
  std::vector<Login> logins;          // of the last complete reading
  std::vector<TargetStatus> targets;  // sorted by name
  std::vector<ContextStatus> contexts;
  std::vector<StatusRow> rows;  // sorted by target, context, namespace
  // In a summary: the groups of the rows, by groups_of(); the rows are then empty.
  std::vector<StatusGroup> groups;
  std::vector<Error> notes;  // informational, nothing is wrong: what happened, and what can be done about it

  // Whether every cluster is as asked: all rows are in_sync, and no target, context or store has a problem. Paused
  // counts as asked. The daemon's own problems do not count.
  [[nodiscard]] bool all_in_sync() const;
};

// In order of first appearance among the rows.
std::vector<StatusGroup> groups_of(const std::vector<StatusRow>& rows);

}  // namespace regsync
