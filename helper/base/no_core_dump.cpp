#include "helper/base/no_core_dump.hpp"

#include <sys/resource.h>

namespace regsync {

void forbid_core_dumps() {
  // One byte, not zero: a core pattern that is a pipe (systemd-coredump) ignores every limit but 1 (fs/coredump.c),
  // and a file needs at least a page.
  constexpr rlimit none{.rlim_cur = 1, .rlim_max = 1};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace regsync
