#include "helper/base/no_core_dump.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string_view>

namespace regsync {

void forbid_core_dumps() {
  // One byte, not zero: if core dumps go to a pipe (systemd-coredump), the kernel ignores every limit but 1
  // (fs/coredump.c), and a core file needs at least a page.
  constexpr rlimit none{.rlim_cur = 1, .rlim_max = 1};
  setrlimit(RLIMIT_CORE, &none);
  // A limit that is already 0 (`ulimit -c 0`) cannot be raised to 1: then a pipe still gets a core, but without any of
  // our memory (core(5)).
  if (const int filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC); filter >= 0) {
    constexpr std::string_view nothing = "0";
    [[maybe_unused]] const auto ignored = write(filter, nothing.data(), nothing.size());
    close(filter);
  }
}

}  // namespace regsync
