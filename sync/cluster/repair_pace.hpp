// Slows down repairs and deletions against somebody who keeps changing an object of ours back: the first few come at
// once, then each waits twice as long as the one before it, up to a minute. After two calm minutes a repair counts as
// the first again.
//
// Pure functions over Progress, which counts the repairs, and over Repetitions; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/model/change.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

// How long the next repair for this plan has to wait; nothing where a write may begin now, or would be no repair.
std::optional<std::chrono::milliseconds> wait_before_repair(const Progress& progress, const Plan& plan,
                                                            std::chrono::steady_clock::time_point now);

// Counts a write for this plan (null: for none). All the writes that one run makes are counted once.
void count_repair(Progress& progress, const Plan* plan, std::chrono::steady_clock::time_point now);

// What is done again each time that somebody undoes it: a Secret is deleted, or attached to a ServiceAccount, or
// detached.
struct Deed {
  Key key;
  Why why = Why::nothing;
  std::string account = {};
  std::string uid = {};  // of the account: one that was made anew is another one

  auto operator<=>(const Deed&) const = default;
};

// The deeds of a while.
class Repetitions {
 public:
  // How long the deed has to wait before it is done again; nothing where it may be done now.
  [[nodiscard]] std::optional<std::chrono::milliseconds> wait(const Deed& deed,
                                                              std::chrono::steady_clock::time_point now) const;
  void count(const Deed& deed, std::chrono::steady_clock::time_point now);
  // It was undone by us, because somebody asked for that.
  void forget(const Deed& deed) { counts_.erase(deed); }

 private:
  struct Count {
    int again = 0;  // since the first one
    std::chrono::steady_clock::time_point last;
  };
  void make_room(std::chrono::steady_clock::time_point now);

  std::map<Deed, Count> counts_;  // a fight is over few objects: at most `most` are kept
  std::chrono::steady_clock::time_point made_room_;
  static constexpr std::size_t most = 4096;
};

}  // namespace regsync
