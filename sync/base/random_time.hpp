// random_time() picks a time by chance, so that those who wait for the same thing do not all come at once. Any thread.
#pragma once

#include <chrono>
#include <random>

namespace regsync {

// From `least` to `most`, both included.
template <typename Duration>
Duration random_time(Duration least, Duration most) {
  static thread_local std::mt19937 dice(std::random_device{}());
  return Duration(std::uniform_int_distribution<typename Duration::rep>(least.count(), most.count())(dice));
}

// Up to a quarter more, for what many contexts wait for.
inline std::chrono::milliseconds a_little_more(std::chrono::milliseconds pause) {
  return random_time(pause, pause + pause / 4);
}

}  // namespace regsync
