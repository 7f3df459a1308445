#include "sync/base/host_name.hpp"

#include <unistd.h>

#include <array>
#include <climits>

namespace regsync {

std::string this_host() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

}  // namespace regsync
