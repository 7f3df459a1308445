// StatusReport is regsync's account of itself: for every target × context × namespace whether the cluster holds what it
// should, and if not why, since when, and what to do. Plain data; no secret is in it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
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

std::string_view to_string(
    SyncState state);  // "InSync", "Pending", "Retrying", "Stuck", "Removing", "Terminating", "Paused"

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

// The rows of one target in one context, counted.
struct StatusGroup {
  std::string target;
  std::string context;
  std::map<SyncState, std::size_t> states = {};
  std::map<std::string, std::size_t> reasons =
      {};               // of what is not as asked: error codes, or states where there is none
  WallTime since = {};  // of the latest change of state

  [[nodiscard]] std::size_t count(SyncState state) const;
  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] bool is_as_asked() const;  // in sync or paused
};

// Why rows of one context are not in sync: those with one error code, and of one target where the remedy names it.
struct StatusCause {
  std::string target;  // of the first of them, as the error is
  std::string context;
  Error error;
  std::size_t count = 0;
  std::vector<std::string> namespaces = {};  // the first of them; "" for the context as a whole
  bool alike = true;                         // every one has this very message
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
  // Of the daemon's environment, what decides which kubeconfig and which plugins it finds: KUBECONFIG and PATH, where
  // set.
  std::map<std::string, std::string> environment;
  std::optional<Error> store;         // why the keyring cannot be read now
  std::vector<Error> problems;        // of the daemon itself: settings, metrics, files it cannot follow
  std::vector<Login> logins;          // of the last complete reading
  std::vector<TargetStatus> targets;  // sorted by name
  std::vector<ContextStatus> contexts;
  std::vector<StatusRow> rows;  // sorted by target, context, namespace
  // In a summary, what groups_of() and causes_of() make of the rows, which it does not have.
  std::vector<StatusGroup> groups;
  std::vector<StatusCause> causes;
  std::vector<Error> notes;  // worth knowing, and nothing is wrong: what happened, and what can be done about it

  // Whether every cluster is as asked: no row but in_sync, no problem of a target, a context or the store. What is
  // paused is as asked. The daemon's own problems do not count.
  [[nodiscard]] bool all_in_sync() const;
};

// A state that nothing has to be done about.
bool is_as_asked(SyncState state);

std::vector<StatusGroup> groups_of(const std::vector<StatusRow>& rows);
std::vector<StatusCause> causes_of(const std::vector<StatusRow>& rows);

}  // namespace regsync
