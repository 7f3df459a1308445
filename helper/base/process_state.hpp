// Tells whether another process is stopped (proc_pid_stat(5)). Any thread.
#pragma once

namespace regsync {

// Whether a signal or a debugger has stopped the process, or it has ended and its parent has not collected it. False
// for a process that cannot be seen.
bool is_stopped(int pid);

}  // namespace regsync
