// Slows down repairs and deletions when somebody keeps changing an object of ours back: the first few run at once, then
// each waits twice as long as the previous one, up to a minute. After two quiet minutes a repair counts as the first
// again.
//
// Pure functions over Progress, which counts repairs, and over Repetitions; any thread.
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

// How long the next repair for this plan has to wait; nothing if a write may begin now, or would not be a repair.
std::optional<std::chrono::milliseconds> wait_before_repair(const Progress& progress, const Plan& plan,
                                                            std::chrono::steady_clock::time_point now);

// Counts a write for this plan (null: for none). All writes of one run count once.
void count_repair(Progress& progress, const Plan* plan, std::chrono::steady_clock::time_point now);

// An action that is repeated each time somebody undoes it: deleting a Secret, or attaching it to a ServiceAccount or
// detaching it.
struct Deed {
  Key key;
  Why why = Why::nothing;
  std::string account = {};
  std::string uid = {};  // of the account: a re-created one is a different one

  auto operator<=>(const Deed&) const = default;
};

// Counts recent deeds.
class Repetitions {
 public:
  // How long the deed has to wait before it is repeated; nothing if it may be done now.
  [[nodiscard]] std::optional<std::chrono::milliseconds> wait(const Deed& deed,
                                                              std::chrono::steady_clock::time_point now) const;
  void count(const Deed& deed, std::chrono::steady_clock::time_point now);
  // We undid it ourselves, on request.
  void forget(const Deed& deed) { counts_.erase(deed); }

 private:
  struct Count {
    int again = 0;  // repetitions after the first
    std::chrono::steady_clock::time_point last;
  };
  void make_room(std::chrono::steady_clock::time_point now);

  std::map<Deed, Count> counts_;  // a fight involves few objects: at most `most` are kept
  std::chrono::steady_clock::time_point made_room_;
  static constexpr std::size_t most = 4096;
};

}  // namespace regsync
