// random_time() picks a random time, so that many waiters for the same thing do not all act at once. Any thread.
#pragma once

#include <chrono>
#include <random>

namespace regsync {

// Between `least` and `most`, inclusive.
template <typename Duration>
Duration random_time(Duration least, Duration most) {
  static thread_local std::mt19937 dice(std::random_device{}());
  return Duration(std::uniform_int_distribution<typename Duration::rep>(least.count(), most.count())(dice));
}

// The pause plus up to a quarter, for waits that many contexts share.
inline std::chrono::milliseconds a_little_more(std::chrono::milliseconds pause) {
  return random_time(pause, pause + pause / 4);
}

}  // namespace regsync
