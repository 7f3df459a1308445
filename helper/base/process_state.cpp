#include "helper/base/process_state.hpp"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>

namespace regsync {

bool is_stopped(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  const std::size_t state = line.rfind(") ");  // after the name, which may contain anything
  return state != std::string::npos && state + 2 < line.size() &&
         std::string("TtZX").find(line[state + 2]) != std::string::npos;
}

}  // namespace regsync
