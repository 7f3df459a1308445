// A DeletionScope says what may be deleted in one context. Value type.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "sync/model/places.hpp"

namespace regsync {

// The sets hold names of targets. A Secret that no plan claims is deleted only if its target is in known_targets or in
// forgotten.
struct DeletionScope {
  // Targets whose files suffice: their Secrets are deleted where the file no longer covers a place. No paused target is
  // among them.
  std::set<std::string> known_targets = {};
  // The user removed these targets: all their Secrets are deleted.
  std::set<std::string> forgotten = {};
  // The user keeps the Secrets of these targets: they are released instead of deleted.
  std::set<std::string> kept = {};
  // Targets that may still want what they do not cover now (the file has just changed, or cannot be read): no other
  // target takes over their Secrets.
  std::set<std::string, std::less<>> uncertain = {};
  // Where targets that are neither known nor forgotten, or are kept, have or had Secrets: a Secret that does not name
  // its target may belong to one of these.
  Places in_doubt = {};
  // The known targets that use the namespace which the context calls its own, and where they are known to have Secrets:
  // their files delete only there. Another namespace may be wanted by somebody whose context has another current
  // namespace.
  std::map<std::string, Places> bound = {};

  bool operator==(const DeletionScope&) const = default;
};

}  // namespace regsync
