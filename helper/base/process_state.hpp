// Tells whether another process is stopped (proc_pid_stat(5)). Any thread.
#pragma once

namespace regsync {

// Whether the process is stopped by a signal or a debugger, or is a zombie. False for a process that is not visible.
bool is_stopped(int pid);

}  // namespace regsync
