// Whether another process runs (proc_pid_stat(5)). Any thread.
#pragma once

namespace regsync {

// Whether a signal or a debugger has stopped the process, or it has ended.
bool is_stopped(int pid);

}  // namespace regsync
