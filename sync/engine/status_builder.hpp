// Builds a StatusReport of the engine's state: targets, contexts and rows. Only reads.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/config/target_directory.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/context_set.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/logins/login_end.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// By target: the contexts of which it is not certain yet which namespaces it means there.
using Undecided = std::map<std::string, std::set<std::string>>;

struct EngineState {
  const TargetFiles& targets;
  const DesiredState::Plans& plans;
  const Undecided& undecided;
  const ContextSet& contexts;
  const FootprintKeeper& footprints;
  const std::map<std::string, Error>& unreadable_footprints;
  const ContextBook& book;
  const PausedContexts& paused;
  const std::map<RegistryKey, LoginEnd>& login_ends;
  WallTime started;
  WallTime now;
};

// A pinned context leads to another cluster than before.
Error context_held(const std::string& context);

// Takes the rows of one target, sorted by context and namespace. They may be very many: those of all targets together
// need not be in memory.
using TakeRows = std::function<void(std::vector<StatusRow> rows)>;

// Of one target, or of all. The rows go to take_rows, target by target in their order, and not into the report.
void add_state(const EngineState& state, const std::optional<std::string>& only, StatusReport& report,
               const TakeRows& take_rows);

}  // namespace regsync
