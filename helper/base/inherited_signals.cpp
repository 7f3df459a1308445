#include "helper/base/inherited_signals.hpp"

#include <csignal>

namespace regsync {

void restore_inherited_signals() {
  (void)std::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace regsync
