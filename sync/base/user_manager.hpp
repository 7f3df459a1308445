// The systemd user manager, which runs regsyncd on most machines, and manual instructions for sessions and pods without
// one.
#pragma once

#include <string>

namespace regsync {

// Checks XDG_RUNTIME_DIR; does not block.
bool has_user_manager();

// Remedies that work on this machine.
std::string how_to_start_regsyncd();
std::string how_to_restart_regsyncd();
std::string how_to_stop_regsyncd();
std::string how_to_read_the_log();
// For a program that regsyncd runs but cannot find.
std::string how_to_provide_program();

}  // namespace regsync
