// The rule that decides what may be deleted in a context. The engine deletes by it, and commands use it to show what
// would be deleted: the caller gathers the facts and passes them as values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/deletion_scope.hpp"
#include "sync/model/places.hpp"
#include "sync/model/target.hpp"

namespace regsync {

// Why a target may create nothing in a context.
struct Hold {
  Error why;
  bool frozen = false;  // existing Secrets are not kept current either
};

// The relevant facts about a target, as in its file, in one context.
struct TargetFacts {
  const Target* target = nullptr;
  bool selects = false;     // the context
  bool settled = true;      // its file, and the labels that select contexts, were unchanged for the grace period
  bool undecided = false;   // its namespaces are not certain, in any context
  bool held = false;        // it may create nothing here; see Hold
  bool is_leaving = false;  // its logins are gone and it wants its Secrets deleted; see wanted_through()
};

// The known facts about one context.
struct ContextFacts {
  using IsThere = std::function<bool(const std::string& context)>;

  std::string context;
  bool paused = false;
  const TargetFiles& files;                            // of all targets
  const std::map<std::string, Footprint>& footprints;  // by target
  const ContextBook& book;
  IsThere is_there;                       // exists in the kubeconfig or in the fleet
  std::vector<TargetFacts> targets = {};  // targets whose files can be read
  std::set<std::string> may_return = {};  // targets whose files have just disappeared, so that they may be rewritten
  std::set<std::string> idle = {};        // targets that this process does not act for
};

// Whether Secrets that the target's file does not cover are to be deleted.
bool may_delete(const TargetFacts& target, const ContextFacts& facts);

// names: names_in_footprints() of the context.
DeletionScope scope_in(const ContextFacts& facts, const std::set<std::string>& names);

// What the targets want through the context, which may be gone: what was made through it is still wanted. Of each
// target's facts, only `selects` and `is_leaving` count. meant: returns a target with its namespaces there; nothing
// while they are uncertain.
std::vector<Target> wanted_through(const ContextFacts& facts,
                                   const std::function<std::optional<Target>(const Target&)>& meant);

// Adds the places where a target has, or had, Secrets in a cluster, according to its footprint under these context
// names.
void add_places(const Footprint& footprint, const std::set<std::string>& contexts, Places& places);

}  // namespace regsync
