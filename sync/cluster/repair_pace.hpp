// Slows down repairs and deletions against somebody who keeps changing an object of ours back: the first few come at
// once, then each waits twice as long as the one before it, up to a minute. After two calm minutes a repair counts as
// the first again.
//
// Pure functions over Progress, which counts the repairs, and over Deletions; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

// How long the next repair for this plan has to wait; nothing where a write may begin now, or would be no repair.
std::optional<std::chrono::milliseconds> wait_before_repair(const Progress& progress, const Plan& plan,
                                                            std::chrono::steady_clock::time_point now);

// Counts a write for this plan (null: for none). All the writes that one run makes are counted once.
void count_repair(Progress& progress, const Plan* plan, std::chrono::steady_clock::time_point now);

// The deletions of a while: of a key that somebody makes anew, or adds to ServiceAccounts, each time.
class Deletions {
 public:
  // How long the next deletion of the key has to wait; nothing where it may begin now.
  [[nodiscard]] std::optional<std::chrono::milliseconds> wait(const Key& key,
                                                              std::chrono::steady_clock::time_point now) const;
  void count(const Key& key, std::chrono::steady_clock::time_point now);
  // We made it ourselves since.
  void forget(const Key& key) { counts_.erase(key); }

 private:
  struct Count {
    int again = 0;  // since the first one
    std::chrono::steady_clock::time_point last;
  };
  std::map<Key, Count> counts_;  // a fight is over few keys: at most `most` are kept
  static constexpr std::size_t most = 4096;
};

}  // namespace regsync
