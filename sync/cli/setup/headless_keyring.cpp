#include "sync/cli/setup/headless_keyring.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <ostream>
#include <string>
#include <system_error>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/setup/foreign_helper.hpp"
#include "sync/cli/setup/user_service.hpp"

namespace regsync {
namespace {

std::string random_password() {
  std::array<char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::internal, "no random bytes: " + std::generic_category().message(errno));
  }
  return base64_encode({bytes.data(), bytes.size()});
}

// The service starts also if the password is not that of the keyring: then nobody could unlock it.
void require_unlocked(CredentialStore& store, const std::filesystem::path& password) {
  try {
    store.list();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::locked) {
      throw;
    }
    throw Error(ErrorCode::locked, "the keyring that is there already has another password than " + password.string(),
                "write the keyring's password to that file, without a line end, and run `systemctl --user restart "
                "regsync-keyring`; or, if "
                "nobody needs what it holds, move ~/.local/share/keyrings/login.keyring away and do the same");
  }
}

}  // namespace

void prepare_headless_keyring(CredentialStore& store, std::ostream& out) {
  if (!has_user_manager()) {
    throw Error(ErrorCode::store_unavailable, "there is no systemd user manager to run a keyring in",
                "as root: loginctl enable-linger USER (package dbus-user-session); then log in again");
  }
  if (!is_on_path("gnome-keyring-daemon")) {
    throw Error(ErrorCode::store_unavailable, "gnome-keyring is not installed", "apt install gnome-keyring");
  }
  // Where regsync-keyring.service takes its credential from.
  const auto password = paths::config_home() / "keyring-password";
  if (!std::filesystem::exists(password)) {
    write_whole(password, random_password(), 0600);
    out << "made a password for the keyring: " << password.string() << "\n";
  }
  enable_user_units({"regsync-keyring.service"});
  require_unlocked(store, password);
  out << "gnome-keyring runs as a user service now, unlocked; to have it without a login: loginctl enable-linger\n";
}

}  // namespace regsync
