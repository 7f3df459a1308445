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
  // Their files no longer covering a place is reason enough to delete their Secret there. No paused target is one.
  std::set<std::string> known_targets = {};
  // A person removed them: all their Secrets are deleted.
  std::set<std::string> forgotten = {};
  // A person keeps their Secrets: what would be deleted is released.
  std::set<std::string> kept = {};
  // They may still want what they do not cover now (a file that has just changed, or cannot be read): no other target
  // takes over a Secret of theirs.
  std::set<std::string, std::less<>> uncertain = {};
  // Where targets that are neither known nor forgotten, or are kept, have or had Secrets: what does not say of which
  // target it is, may be of one of these.
  Places in_doubt = {};
  // The known targets that go into the namespace which the context calls its own, and where they are known to have
  // Secrets: only there do their files delete. In another namespace, somebody whose context has another current one may
  // want it.
  std::map<std::string, Places> bound = {};

  bool operator==(const DeletionScope&) const = default;
};

}  // namespace regsync
