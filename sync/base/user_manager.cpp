#include "sync/base/user_manager.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace regsync {

bool has_user_manager() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  std::error_code ignored;
  return runtime != nullptr && std::filesystem::exists(std::filesystem::path(runtime) / "systemd/private", ignored);
}

std::string how_to_start_regsyncd() {
  return has_user_manager() ? "start regsyncd: systemctl --user enable --now regsyncd.socket regsyncd.service"
                            : "start regsyncd: regsyncd &";
}

std::string how_to_restart_regsyncd() {
  return has_user_manager() ? "restart regsyncd: systemctl --user restart regsyncd"
                            : "end regsyncd, and start it again";
}

std::string how_to_stop_regsyncd() {
  return has_user_manager() ? "stop regsyncd: systemctl --user stop regsyncd.socket regsyncd"
                            : "stop regsyncd: kill $(pidof regsyncd)";
}

std::string how_to_provide_program() {
  if (std::getenv("KUBERNETES_SERVICE_HOST") != nullptr) {  // set by kubelet in each pod
    return "put it into the image of this pod, on its PATH";
  }
  return std::string("install it; or, where a shell finds it, ") +
         (has_user_manager() ? "give regsyncd its PATH: regsync setup --environment PATH"
                             : "start regsyncd from that shell");
}

std::string how_to_read_the_log() {
  return has_user_manager() ? "see its log: journalctl --user -u regsyncd" : "see its log, on its standard error";
}

}  // namespace regsync
