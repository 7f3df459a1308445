// Plans which collections of a cluster are listed and watched, as need and rights allow. Pure; any thread.
//
// A few Secret names are watched by name (fieldSelector metadata.name=X): a Role limited by resourceNames is enough
// for that, no Secret of others is ever read, and one that stands in the way is seen by event. Where that takes many
// watches, one watch by our label does for all names. Both go from wide to narrow:
//
//   across all namespaces  ──forbidden──►  in each namespace that is named plainly  ──forbidden──►  none
//
// Where the watch by label is forbidden, the names are watched by name after all; where that is forbidden too, Secrets
// are read on demand. A Secret that stands in the way without our label is not shown by a watch by label: a read before
// the create finds it, and it is watched by name from then on (`hidden`).
//
// ServiceAccounts are watched by name, or all of them where a target has a pattern; where that is forbidden, those that
// are named plainly.
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

// What one list + watch is of. No namespace: all of them. No name: all objects or, of Secrets, those with our label.
struct WatchId {
  std::string resource;
  std::string name_space;
  std::string name;

  [[nodiscard]] bool is_of_secrets() const { return resource == secrets_resource; }
  [[nodiscard]] bool is_by_label() const { return is_of_secrets() && name.empty(); }
  auto operator<=>(const WatchId&) const = default;
};

// How far a watch has come.
enum class WatchStage {
  none,       // it does not run
  listing,    // its first list is on its way
  followed,   // what it showed is the truth
  forbidden,  // there is no right to it, or the API server cannot decode an object in it
};

// The names of the ServiceAccounts that are watched. Where one is a pattern, "" is among them, for all: the others are
// watched only where that is forbidden.
std::set<std::string> watched_accounts(const Places& places);

using SecretScopes = std::map<std::string, Scope>;  // by Secret name

// The watches that should run, given how far each has come. Secrets are watched by label where that saves more than
// `few` watches. While others take their place, those that are followed stay, so that what is known stays known.
std::set<WatchId> plan_watches(const Places& places, const SecretScopes& hidden, int few,
                               const std::function<WatchStage(const WatchId&)>& stage_of);

}  // namespace regsync
