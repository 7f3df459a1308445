#include "helper/base/no_core_dump.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string_view>

namespace regsync {

void forbid_core_dumps() {
  // One byte, not zero: a core pattern that is a pipe (systemd-coredump) ignores every limit but 1 (fs/coredump.c),
  // and a file needs at least a page.
  constexpr rlimit none{.rlim_cur = 1, .rlim_max = 1};
  setrlimit(RLIMIT_CORE, &none);
  // The limit cannot be raised to 1 where it is 0 already (`ulimit -c 0`): then a pipe gets a core, but without any of
  // our memory in it (core(5)).
  if (const int filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC); filter >= 0) {
    constexpr std::string_view nothing = "0";
    [[maybe_unused]] const auto ignored = write(filter, nothing.data(), nothing.size());
    close(filter);
  }
}

}  // namespace regsync
