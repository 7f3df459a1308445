// Builds a StatusReport from the engine's state: targets, contexts and rows. Only reads.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sync/config/target_directory.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/context_set.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/engine/intent.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/engine/status_counts.hpp"
#include "sync/logins/login_end.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

struct EngineState {
  const TargetFiles& targets;
  const Intent& intent;
  const ContextSet& contexts;
  const FootprintKeeper& footprints;
  const std::map<std::string, Error>& unreadable_footprints;
  const ContextBook& book;
  const PausedContexts& paused;
  WallTime started;
};

// Why nothing is written through a pinned context that is held.
Error context_held(const std::string& context, const ContextBook& book);

// Called for each context of a target that may have rows, in their order. There may be very many rows: those of all
// contexts need not be in memory at once.
using VisitContext = std::function<void(const std::string& target, const std::string& context)>;

// Adds the state of some targets (empty: of all). Visits the contexts, target by target in their order; does not add
// rows to the report.
void add_state(const EngineState& state, const std::map<RegistryKey, LoginEnd>& login_ends, WallTime now,
               const std::vector<std::string>& only, StatusReport& report, const VisitContext& visit);
void visit_contexts(const EngineState& state, const VisitContext& visit);

// The rows of a target in a context, by namespace.
StatusCounts::Rows rows_of(const EngineState& state, const std::string& target, const std::string& context);

}  // namespace regsync
