#include "sync/cli/setup/user_service.hpp"

#include <filesystem>
#include <ostream>
#include <system_error>

#include "helper/base/error.hpp"
#include "sync/base/child_process.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/base/user_manager.hpp"

namespace regsync::cli {
namespace {

ChildResult systemctl(std::vector<std::string> arguments) {
  ChildCommand command;
  command.program = "systemctl";
  command.arguments = std::move(arguments);
  command.arguments.insert(command.arguments.begin(), "--user");
  return run_to_end(run_child(std::move(command)));
}

// Whether a unit is enabled.
bool is_enabled_user_unit(const std::string& unit) {
  return has_user_manager() && systemctl({"is-enabled", "--quiet", unit}).exit_code == 0;
}

}  // namespace

void enable_user_units(const std::vector<std::string>& units) {
  std::vector<std::string> arguments{"enable", "--now"};
  arguments.insert(arguments.end(), units.begin(), units.end());
  if (const ChildResult result = systemctl(arguments); result.exit_code != 0) {
    throw Error(
        ErrorCode::daemon_unreachable,
        "systemctl --user enable --now failed: " + result.errors.substr(0, result.errors.find('\n')),
        "`systemctl --user status " + units.front() + "` and `journalctl --user -u " + units.front() + "` tell more");
  }
}

void disable_user_units(const std::vector<std::string>& units) {
  std::vector<std::string> arguments{"disable", "--now"};
  arguments.insert(arguments.end(), units.begin(), units.end());
  systemctl(std::move(arguments));
}

void disable_user_services(std::ostream& out) {
  const auto starts_or_runs = [](const char* unit) {
    return is_enabled_user_unit(unit) ||
           (has_user_manager() && systemctl({"is-active", "--quiet", unit}).exit_code == 0);
  };
  if (starts_or_runs("regsyncd.service") || starts_or_runs("regsyncd.socket")) {
    disable_user_units({"regsyncd.service", "regsyncd.socket"});
    out << "regsyncd is stopped and no longer starts by itself; what it wrote to clusters stays\n";
  }
  if (is_enabled_user_unit("regsync-keyring.service")) {
    systemctl({"disable", "regsync-keyring.service"});  // not --now: it holds the logins
    out << "regsync-keyring no longer starts by itself; its password stays in "
        << (paths::config_home() / "keyring-password").string() << '\n';
  }
  std::error_code ignored;
  if (std::filesystem::exists(paths::service_environment(), ignored)) {
    out << "the variables in " << paths::service_environment().string()
        << " stay, for a regsyncd that is started again\n";
  }
}

void enable_user_service(std::ostream& out) {
  if (!has_user_manager()) {
    out << "there is no systemd user manager here: run `regsyncd` to keep clusters in sync\n";
    return;
  }
  if (systemctl({"cat", "regsyncd.service"}).exit_code != 0) {
    out << "the systemd user units of regsync are not installed: run `regsyncd` to keep clusters in sync\n";
    return;
  }
  enable_user_units({"regsyncd.socket", "regsyncd.service"});
  out << "regsyncd runs now and after every login\n";
}

void restart_user_service(std::ostream& out) {
  if (!has_user_manager()) {
    out << "there is no systemd user manager here, which would give it to regsyncd: run `regsyncd` in a shell that has "
           "it\n";
  } else if (systemctl({"try-restart", "regsyncd.service"}).exit_code == 0) {
    out << "regsyncd uses it from now on\n";
  } else {
    out << "regsyncd uses it when the systemd user manager starts it next: systemctl --user restart regsyncd\n";
  }
}

}  // namespace regsync::cli
