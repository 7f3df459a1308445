// Plans which collections of a cluster to list and watch, by need and rights. Pure; any thread.
//
// A few Secret names are watched by name (fieldSelector metadata.name=X): a Role limited by resourceNames is enough, no
// other Secret is ever read, and events show a Secret that is in the way. Where that takes many watches, one watch by
// our label covers all names. Both go from wide to narrow:
//
//   across all namespaces  ──forbidden──►  in each namespace that is named plainly  ──forbidden──►  none
//
// Where the watch by label is forbidden, the names are watched by name; where that is forbidden too, Secrets are read
// on demand. A watch by label does not show a Secret without our label that is in the way: a read before the create
// finds it, and it is watched by name from then on (`hidden`).
//
// ServiceAccounts are watched by name, or all of them if a target has a pattern; where watching all is forbidden, those
// that are named plainly are watched.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "sync/model/places.hpp"

namespace regsync {

inline constexpr const char* secrets_resource = "secrets";
inline constexpr const char* namespaces_resource = "namespaces";
inline constexpr const char* service_accounts_resource = "serviceaccounts";

// The scope of one list + watch. No namespace: all namespaces. No name: all objects or, for Secrets, those with our
// label.
struct WatchId {
  std::string resource;
  std::string name_space;
  std::string name;

  [[nodiscard]] bool is_of_secrets() const { return resource == secrets_resource; }
  [[nodiscard]] bool is_by_label() const { return is_of_secrets() && name.empty(); }
  auto operator<=>(const WatchId&) const = default;
};

// The stage of a watch.
enum class WatchStage {
  none,       // not running
  listing,    // the first list is in progress
  followed,   // the cache matches what it shows
  forbidden,  // no permission, or the API server cannot decode an object in it
};

// The names of the ServiceAccounts to watch. If one is a pattern, the set includes "", for all: the others are then
// watched only where watching all is forbidden.
std::set<std::string> watched_accounts(const Places& places);

using SecretScopes = std::map<std::string, Scope>;  // by Secret name

// The watches that should run, given the stage of each. Secrets are watched by label if that saves more than `few`
// watches. While watches are being replaced, those in `followed` keep running, so that the cache stays current.
std::set<WatchId> plan_watches(const Places& places, const SecretScopes& hidden, int few,
                               const std::function<WatchStage(const WatchId&)>& stage_of);

}  // namespace regsync
