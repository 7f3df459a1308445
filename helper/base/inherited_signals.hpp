// Undoes what a parent process did to signals that this one, or a library of it, needs.
#pragma once

namespace regsync {

// For start_process, before there is a second thread. A child's end is lost where SIGCHLD is ignored, and a blocked
// SIGTERM ends nobody; both pass from a parent to its children. A signal that is ignored otherwise stays so (nohup(1)).
void restore_inherited_signals();

}  // namespace regsync
