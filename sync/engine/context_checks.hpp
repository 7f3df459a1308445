// Rules about contexts that the engine and the commands share: which may be forgotten or trusted, and which may be
// other names of one cluster. footprints: by target. Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/context_book.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/target.hpp"

namespace regsync {

// Throws Error: invalid_input for a context that exists in the kubeconfig or in a fleet; not_found, with the closest
// name, if no target has anything in it. gone: see contexts_that_are_gone.
void require_forgettable(const std::string& context, const std::vector<std::string>& contexts, bool in_kubeconfig,
                         const std::vector<std::string>& gone);

// The contexts that the user means: the one of this name, or all that match a pattern and may be forgotten. Throws
// Error like require_forgettable(), and not_found if nothing matches.
std::vector<std::string> forgettable_contexts(const std::string& pattern, const std::vector<std::string>& contexts,
                                              bool in_kubeconfig, const std::map<std::string, Footprint>& footprints);

// Whether a target names a missing context that may be another name of this one. Such a target deletes nothing here:
// the user may have written a new name into it in advance, or mistyped it, and the target wants its Secrets again once
// the name exists.
bool names_absent_context(const Target& target, const std::string& context, const ContextBook& book,
                          const std::function<bool(const std::string&)>& is_there);

// The names under which footprints list what is in the cluster of a context: its own, and those of contexts that led
// there and are gone, so that what was made through them is found.
std::set<std::string> names_in_footprints(const std::string& context, const ContextBook& book,
                                          const std::function<bool(const std::string&)>& is_there);

// Whether a target wants something in a context, or may have left something there. Otherwise nothing is done in it,
// even if it leads to the cluster of another context. is_selected: by a target.
bool is_used(const std::string& context, bool is_selected, const std::map<std::string, Footprint>& footprints);

// Throws Error(not_found), with the closest name, for a context that no target uses.
void require_met(const std::string& context, const ContextBook& book);

// The contexts that footprints mention and that no longer exist; sorted.
std::vector<std::string> contexts_that_are_gone(const std::vector<std::string>& contexts,
                                                const std::map<std::string, Footprint>& footprints);

}  // namespace regsync
