#include "helper/base/session_bus.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace regsync {

void find_session_bus(const std::filesystem::path& runtimes) {
  if (std::getenv("DBUS_SESSION_BUS_ADDRESS") != nullptr || std::getenv("XDG_RUNTIME_DIR") != nullptr) {
    return;
  }
  const std::string bus = runtimes / std::to_string(geteuid()) / "bus";
  struct stat status{};
  if (lstat(bus.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && status.st_uid == geteuid()) {
    setenv("DBUS_SESSION_BUS_ADDRESS", ("unix:path=" + bus).c_str(), 0);
  }
}

}  // namespace regsync
