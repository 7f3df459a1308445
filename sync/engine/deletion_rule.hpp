// The rule of what may be deleted in a context. The engine deletes by it, and commands show by it what would be
// deleted: who asks gathers the facts, and gives them as values.
//
// Pure; any thread.
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

// Why a target may make nothing in a context.
struct Hold {
  Error why;
  bool frozen = false;  // nor is what is there kept current
};

// What counts of a target, as its file has it, in one context.
struct TargetFacts {
  const Target* target = nullptr;
  bool selects = false;     // the context
  bool settled = true;      // its file, and the labels that select contexts, have been as they are for the grace
  bool undecided = false;   // it is not certain which namespaces it means, in whatever context
  bool held = false;        // it may make nothing here; see Hold
  bool is_leaving = false;  // its logins are gone, and it wants its Secrets deleted then; see wanted_through()
};

// What is known of one context.
struct ContextFacts {
  using IsThere = std::function<bool(const std::string& context)>;

  std::string context;
  bool paused = false;
  const TargetFiles& files;                            // of all targets
  const std::map<std::string, Footprint>& footprints;  // by target
  const ContextBook& book;
  IsThere is_there;                       // in the kubeconfig, or in the fleet
  std::vector<TargetFacts> targets = {};  // those whose files can be read
  std::set<std::string> may_return = {};  // those whose files have just gone, so that they may be written anew
  std::set<std::string> idle = {};        // those for which this process does not act
};

// Whether what the target's file does not cover is to be deleted.
bool may_delete(const TargetFacts& target, const ContextFacts& facts);

// names: names_in_footprints() of the context.
DeletionScope scope_in(const ContextFacts& facts, const std::set<std::string>& names);

// What the targets want through the context. It may be gone: what was made through it is wanted still. Of the facts of
// a target, only `selects` and `is_leaving` count. meant: a target with its namespaces there; nothing while they are
// not certain.
std::vector<Target> wanted_through(const ContextFacts& facts,
                                   const std::function<std::optional<Target>(const Target&)>& meant);

// Adds where a target has, or had, Secrets in a cluster, by what its footprint tells under these names of contexts.
void add_places(const Footprint& footprint, const std::set<std::string>& contexts, Places& places);

}  // namespace regsync
