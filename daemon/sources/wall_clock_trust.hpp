// WallClockTrust says whether an age by the wall clock is one in truth. Not soon after the start, when a clock that is
// ahead may still be set right; nor for a while after it jumped forward, which may be to a wrong time. What cannot be
// made undone waits. Not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>

#include "sync/base/boottime_timer.hpp"

namespace regsync {

class WallClockTrust {
 public:
  struct Moment {
    std::chrono::system_clock::time_point wall;
    BoottimeClock::time_point boot;

    static Moment now() { return {.wall = std::chrono::system_clock::now(), .boot = BoottimeClock::now()}; }
  };

  // after_jump: for how long a jump makes the clock doubtful; a start does so for an hour, or for as long as that.
  explicit WallClockTrust(std::chrono::seconds after_jump, Moment start = Moment::now())
      : after_jump_(after_jump),
        last_(start),
        doubtful_until_(start.boot + std::min<std::chrono::seconds>(after_jump, std::chrono::hours(1))) {}

  // A jump is what the wall clock advanced more than time itself since the call before.
  bool holds(Moment now = Moment::now()) {
    if (now.wall - last_.wall > now.boot - last_.boot + tolerance) {
      doubtful_until_ = now.boot + after_jump_;
    }
    last_ = now;
    return now.boot >= doubtful_until_;
  }

 private:
  // No clock that is merely kept right by small steps is in doubt.
  static constexpr std::chrono::minutes tolerance{1};

  std::chrono::seconds after_jump_;
  Moment last_;
  BoottimeClock::time_point doubtful_until_;
};

}  // namespace regsync
