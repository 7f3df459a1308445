// The systemd user manager, as far as `regsync setup` needs it.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace regsync::cli {

// Enables units now and at every login. Throws Error(daemon_unreachable) with the output of systemctl.
void enable_user_units(const std::vector<std::string>& units);

// Disables and stops units; ignores errors of systemctl.
void disable_user_units(const std::vector<std::string>& units);

// Enables regsyncd if a user manager knows its unit; otherwise prints how to run it.
void enable_user_service(std::ostream& out);

// Disables both services if they are enabled or run. regsyncd stops, and its environment file stays; the headless
// keyring runs until the session ends, because it holds the logins. Prints what it did.
void disable_user_services(std::ostream& out);

// Restarts regsyncd with the present environment if a user manager runs it; otherwise prints how to.
void restart_user_service(std::ostream& out);

}  // namespace regsync::cli
