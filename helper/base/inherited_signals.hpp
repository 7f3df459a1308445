// Restores signals that this process or its libraries need and that a parent process ignored or blocked.
#pragma once

namespace regsync {

// For start_process, before there is a second thread. With SIGCHLD ignored, the exit status of a child is lost; a
// blocked SIGTERM does not end the process. Children inherit both. Other ignored signals stay ignored (nohup(1)).
void restore_inherited_signals();

}  // namespace regsync
