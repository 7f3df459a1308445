// Checks that a context may be forgotten or trusted: the engine asks before it does so, and a dry run asks only this.
// footprints: by target. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sync/engine/context_book.hpp"
#include "sync/engine/footprint.hpp"

namespace regsync {

// Throws Error: invalid_input for a context that is in the kubeconfig, not_found, with what was probably meant, where
// no target has anything in it.
void require_forgettable(const std::string& context, const std::vector<std::string>& in_kubeconfig,
                         const std::map<std::string, Footprint>& footprints);

// Throws Error(not_found), with what was probably meant, for a context that no target uses.
void require_met(const std::string& context, const ContextBook& book);

// The contexts that footprints tell of and the kubeconfig has no more; sorted.
std::vector<std::string> contexts_that_are_gone(const std::vector<std::string>& in_kubeconfig,
                                                const std::map<std::string, Footprint>& footprints);

}  // namespace regsync
