// Finds the D-Bus session bus of this user.
#pragma once

#include <filesystem>

namespace regsync {

// Sets DBUS_SESSION_BUS_ADDRESS if neither it nor XDG_RUNTIME_DIR is set (cron, su) and the user's bus is at systemd's
// place, RUNTIMES/UID/bus. For start_process, before there is a second thread.
void find_session_bus(const std::filesystem::path& runtimes = "/run/user");

}  // namespace regsync
