// The systemd user manager, which runs regsyncd on most machines, and what to do by hand where there is none: in a
// session without it, or in a pod.
#pragma once

#include <string>

namespace regsync {

// Reads XDG_RUNTIME_DIR; does not wait.
bool has_user_manager();

// Remedies that work on this machine.
std::string how_to_start_regsyncd();
std::string how_to_restart_regsyncd();
std::string how_to_stop_regsyncd();
std::string how_to_read_the_log();
// Of one that regsyncd runs and does not find.
std::string how_to_provide_program();

}  // namespace regsync
