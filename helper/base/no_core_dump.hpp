// Prevents core dumps of a program that holds secrets.
#pragma once

namespace regsync {

// For start_process. Not prctl(PR_SET_DUMPABLE, 0): that also hides /proc/PID/exe, by which KeePassXC recognises the
// program that asks it for a secret.
void forbid_core_dumps();

}  // namespace regsync
