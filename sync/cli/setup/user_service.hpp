// The systemd user manager, as far as `regsync setup` needs it.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace regsync::cli {

// Enables units now and at every login. Throws Error(daemon_unreachable) with what systemctl said.
void enable_user_units(const std::vector<std::string>& units);

// Disables and stops them; what systemctl says to that is of no interest.
void disable_user_units(const std::vector<std::string>& units);

// Enables regsyncd where there is a user manager that knows it; else says how to run it.
void enable_user_service(std::ostream& out);

// Undoes both, as far as units are enabled or run: regsyncd stops, and its environment stays; the headless keyring goes
// on until the session ends, because it holds the logins. Says what it did.
void disable_user_services(std::ostream& out);

// Starts regsyncd anew, with the environment as it is configured now, where a user manager runs it; else says how.
void restart_user_service(std::ostream& out);

}  // namespace regsync::cli
