// WallClockTrust decides whether an age measured by the wall clock can be trusted. It cannot soon after the start, when
// a clock that is ahead may still be corrected, nor for a while after a forward jump, which may lead to a wrong time.
// Irreversible actions wait meanwhile. Not thread-safe.
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

  // after_jump: how long the clock is not trusted after a jump. After the start, it is not trusted for an hour, or for
  // after_jump if that is shorter.
  explicit WallClockTrust(std::chrono::seconds after_jump, Moment start = Moment::now())
      : after_jump_(after_jump),
        last_(start),
        doubtful_until_(start.boot + std::min<std::chrono::seconds>(after_jump, std::chrono::hours(1))) {}

  // Whether the clock can be trusted now. A jump means that the wall clock advanced more than the boot-time clock since
  // the previous call.
  bool holds(Moment now = Moment::now()) {
    if (now.wall - last_.wall > now.boot - last_.boot + tolerance) {
      doubtful_until_ = now.boot + after_jump_;
    }
    last_ = now;
    return now.boot >= doubtful_until_;
  }

 private:
  // Ignores the small steps that keep a clock correct.
  static constexpr std::chrono::minutes tolerance{1};

  std::chrono::seconds after_jump_;
  Moment last_;
  BoottimeClock::time_point doubtful_until_;
};

}  // namespace regsync
