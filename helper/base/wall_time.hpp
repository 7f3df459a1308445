// Clamps times from files, servers and keyrings to the range of std::chrono::system_clock. Pure; any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace regsync {

// The system clock counts nanoseconds in 64 bits, which overflow in 2262: "9999-12-31T23:59:59Z", which people and
// plugins write for "never", would wrap around into the past. Times before 1970 become 1970, and times after 2191
// become 2191, so that durations can still be added.
inline std::chrono::system_clock::time_point wall_time(std::chrono::sys_seconds moment) {
  constexpr std::chrono::sys_seconds latest(std::chrono::seconds(7'000'000'000));
  return std::clamp(moment, std::chrono::sys_seconds(), latest);
}

// The same for seconds since 1970.
inline std::chrono::system_clock::time_point wall_time(std::int64_t seconds) {
  return wall_time(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
}

}  // namespace regsync
