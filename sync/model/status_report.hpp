// StatusReport is regsync's account of itself: for every target × context × namespace whether the cluster holds what it
// should, and if not why, since when, and what to do. Plain data; no secret is in it.
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
  retrying,     // failed for a passing reason; next_try says when
  stuck,        // waits for a person or for an event (a namespace, a login); the cause has a remedy
  removing,     // to be deleted, and not yet done
  terminating,  // the namespace is being deleted, and nothing is to be done about it
  paused,       // the person paused the target or the context: nothing is written or deleted
};

// "InSync", "Pending", "Retrying", "Stuck", "Removing", "Terminating", "Paused"
std::string_view to_string(SyncState state);

inline constexpr std::array sync_states = {SyncState::in_sync, SyncState::pending,  SyncState::retrying,
                                           SyncState::stuck,   SyncState::removing, SyncState::terminating,
                                           SyncState::paused};

// A state that nothing has to be done about.
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

// Why rows are as they are: those of one target in one context that have one error code. Their texts differ by the
// namespace at most.
struct StatusCause {
  Error error;  // of the first of them
  std::size_t count = 0;
  std::vector<std::string> namespaces = {};  // the first of them; "" for the context as a whole
  bool alike = true;                         // every one has this very message
};

// The rows of one target in one context, counted: its size does not depend on their number.
struct StatusGroup {
  std::string target;
  std::string context;
  StateCounts states = {};
  std::map<std::string, std::size_t> reasons =
      {};                                      // of what is not as asked: error codes, or states where there is none
  WallTime since = {};                         // of the latest change of state
  std::optional<WallTime> failing_since = {};  // of what is not as asked: the state that lasts longest
  std::optional<WallTime> last_in_sync = {};   // not all as asked: when they were, where that is known
  std::vector<StatusCause> causes = {};

  [[nodiscard]] std::size_t count(SyncState state) const { return states[state]; }
  [[nodiscard]] std::size_t rows() const { return states.all(); }
  [[nodiscard]] bool is_as_asked() const { return states.as_asked() == rows(); }
};

struct TargetStatus {
  std::string name;
  std::string secret;
  std::vector<std::string> registries;
  bool removing = false;                 // removed by the person; Secrets are still to be deleted
  std::vector<Error> problems;           // the file, a missing or unusable login, no matching context
  bool paused = false;                   // by the person
  std::optional<WallTime> expires = {};  // when the first of its logins ends, where that is known
};

struct ContextStatus {
  std::string name;
  std::string server;
  bool connected = false;        // the last list or watch succeeded
  std::optional<Error> problem;  // why not
  bool paused = false;           // by the person
};

struct StatusReport {
  std::string version;
  int pid = 0;
  std::string owner;  // "id user@host"
  WallTime started;
  // Of the daemon's environment, what decides which kubeconfig and which plugins it finds and how it reaches clusters
  // (sync/kube/config/client_environment.hpp).
  std::map<std::string, std::string> environment;
  std::optional<Error> store;         // why the keyring cannot be read now
  std::vector<Error> problems;        // of the daemon itself: settings, metrics, files it cannot follow
  std::vector<Login> logins;          // of the last complete reading
  std::vector<TargetStatus> targets;  // sorted by name
  std::vector<ContextStatus> contexts;
  std::vector<StatusRow> rows;  // sorted by target, context, namespace
  // In a summary, what groups_of() makes of the rows, which it does not have.
  std::vector<StatusGroup> groups;
  std::vector<Error> notes;  // worth knowing, and nothing is wrong: what happened, and what can be done about it

  // Whether every cluster is as asked: no row but in_sync, no problem of a target, a context or the store. What is
  // paused is as asked. The daemon's own problems do not count.
  [[nodiscard]] bool all_in_sync() const;
};

// In the order in which they come up among the rows.
std::vector<StatusGroup> groups_of(const std::vector<StatusRow>& rows);

}  // namespace regsync
