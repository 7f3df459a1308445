// Slows down repairs against somebody who keeps changing an object of ours back: the first few come at once, then each
// waits twice as long as the one before it, up to a minute. After two calm minutes a repair counts as the first
// again.
//
// Pure functions over Progress, which counts the repairs; any thread.
#pragma once

#include <chrono>
#include <optional>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

// How long the next repair for this plan has to wait; nothing where a write may begin now, or would be no repair.
std::optional<std::chrono::milliseconds> wait_before_repair(const Progress& progress, const Plan& plan,
                                                            std::chrono::steady_clock::time_point now);

// Counts a write for this plan (null: for none). All the writes that one run makes are counted once.
void count_repair(Progress& progress, const Plan* plan, std::chrono::steady_clock::time_point now);

}  // namespace regsync
