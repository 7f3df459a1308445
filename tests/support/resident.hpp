// How much memory this process has resident.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace regsync::test {

inline std::size_t resident_kib() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace regsync::test
