#include "helper/base/start_process.hpp"

#include <csignal>

#include "helper/base/inherited_signals.hpp"
#include "helper/base/no_core_dump.hpp"
#include "helper/base/session_bus.hpp"
#include "helper/base/standard_streams.hpp"

namespace regsync {

void start_process() {
  occupy_closed_streams();  // before anything opens a file
  restore_inherited_signals();
  forbid_core_dumps();
  find_session_bus();
  (void)std::signal(SIGXFSZ, [](int) {});  // exceeding ulimit -f is an error code and does not end the process
}

}  // namespace regsync
