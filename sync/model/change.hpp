// One change that regsync made in a cluster, and its reason, for the journal and `regsync history`. Value type; no
// secret is in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace regsync {

// Why something is to be done about a key.
enum class Why : std::uint8_t {
  nothing,         // nothing is to be done
  missing,         // the Secret is wanted and not there
  outdated,        // it holds other logins than it should, or is of another target of ours
  drifted,         // somebody changed it since regsync wrote it
  unplaced,        // it was written before regsync.dev/place
  adopted,         // a person said --adopt
  target_removed,  // a person removed the target
  not_covered,     // the target no longer covers the place
  unlabelled,      // the target's namespaceSelector does not match the labels of the namespace
  logged_out,      // every login is gone, and the target says onLogout: remove
  given_away,      // a person removed the target and keeps its Secrets
  attach,          // the target names the ServiceAccount
  detach,          // the target does not name it, or its Secret goes
  heal,            // a pod waits for what was just repaired, and the target says heal: evict
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
