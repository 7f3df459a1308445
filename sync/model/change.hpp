// Change is one change that regsync made in a cluster, and its reason, for the journal and `regsync history`. Value
// type; contains no secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace regsync {

// The reason for an action on a key.
enum class Why : std::uint8_t {
  nothing,         // nothing is to be done
  missing,         // the Secret is wanted and not there
  outdated,        // it holds outdated logins, or belongs to another target of ours
  drifted,         // somebody changed it since regsync wrote it
  unplaced,        // it was written before regsync.dev/place
  adopted,         // the user passed --adopt
  target_removed,  // the user removed the target
  not_covered,     // the target no longer covers the place
  unlabelled,      // the target's namespaceSelector does not match the labels of the namespace
  logged_out,      // every login is gone, and the target has onLogout: remove
  given_away,      // the user removed the target and keeps its Secrets
  attach,          // the target names the ServiceAccount
  detach,          // the target does not name it, or its Secret is removed
  heal,            // a pod waits for the repaired object, and the target has heal: evict
};
std::string_view to_string(Why why);  // "the target was removed"

struct Change {
  enum class Kind : std::uint8_t { created, updated, adopted, deleted, released, attached, detached, evicted };
  Kind kind = Kind::created;
  Why why = Why::nothing;
  std::string target;
  std::string context;
  std::string name_space;
  std::string secret;
  std::string service_account;  // of attached and detached
  std::string pod = {};         // of evicted
};
std::string_view to_string(Change::Kind kind);  // "created"

// One line: "Secret cred deleted: the target was removed".
std::string describe(const Change& change);

}  // namespace regsync
