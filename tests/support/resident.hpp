// Measures the resident memory of this process, now and at its peak.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace regsync::test {

inline std::size_t resident_kib() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

// The peak since the last reset_peak_resident() (proc(5): VmHWM, clear_refs).
inline std::size_t peak_resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      std::size_t kib = 0;
      status >> kib;
      return kib;
    }
  }
  return 0;
}

inline void reset_peak_resident() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace regsync::test
