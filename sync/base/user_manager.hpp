// The systemd user manager, which runs regsyncd on most machines, and what to do by hand where there is none.
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

}  // namespace regsync
