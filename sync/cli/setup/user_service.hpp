// The systemd user manager, as far as `regsync setup` needs it.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace regsync {

bool has_user_manager();

// Enables units now and at every login. Throws Error(daemon_unreachable) with what systemctl said.
void enable_user_units(const std::vector<std::string>& units);

// Enables regsyncd where there is a user manager that knows it; else says how to run it.
void enable_user_service(std::ostream& out);

}  // namespace regsync
