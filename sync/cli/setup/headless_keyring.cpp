#include "sync/cli/setup/headless_keyring.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/setup/user_service.hpp"

namespace regsync::cli {
namespace {

std::string random_password() {
  std::array<char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::internal, "no random bytes: " + std::generic_category().message(errno));
  }
  return base64_encode({bytes.data(), bytes.size()});
}

// Whether a keyring exists already. Checked before anything is made: our service replaces a running gnome-keyring, and
// a new password cannot open an existing keyring.
enum class Present { nothing, usable, locked };

// Returns why no login can be stored now. A keyring without a default collection counts as missing.
std::optional<Error> problem_of(CredentialStore& store) {
  try {
    return store.load({}).problem;
  } catch (const Error& error) {
    return error;
  }
}

// The file of the keyring that gnome-keyring's `--unlock` opens or makes.
std::filesystem::path login_keyring() {
  const char* data = std::getenv("XDG_DATA_HOME");
  return (data != nullptr && *data != '\0' ? std::filesystem::path(data) : paths::home() / ".local/share") /
         "keyrings/login.keyring";
}

Present present_keyring(CredentialStore& store) {
  const std::optional<Error> problem = problem_of(store);
  if (!problem) {
    return Present::usable;
  }
  if (problem->code() == ErrorCode::locked) {
    return Present::locked;
  }
  if (problem->code() != ErrorCode::store_unavailable) {
    throw Error(*problem);
  }
  std::error_code ignored;
  return std::filesystem::exists(login_keyring(), ignored) ? Present::locked : Present::nothing;
}

// Removes the password unless there is a keyring: gnome-keyring makes one before it answers, and if it failed after
// that, only this password opens what it made.
void remove_unused(const std::filesystem::path& password) {
  std::error_code unknown;
  if (!std::filesystem::exists(login_keyring(), unknown) && !unknown) {
    std::filesystem::remove(password, unknown);
  }
}

void start_unlocked(CredentialStore& store) {
  enable_user_units({"regsync-keyring.service"});
  if (const std::optional<Error> problem = problem_of(store)) {
    throw Error(*problem);
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
  // The file from which regsync-keyring.service loads its credential.
  const auto password = paths::config_home() / "keyring-password";
  const bool made_before = std::filesystem::exists(password);
  if (!made_before) {
    switch (present_keyring(store)) {
      case Present::usable:
        out << "there is an unlocked keyring already; it is used as it is\n";
        return;
      case Present::locked:
        throw Error(ErrorCode::locked, "there is a keyring already, and it is locked; nothing was changed",
                    "unlock it; or write its password to " + password.string() +
                        ", without a line end, and run this again; or, if nobody needs what it holds, move " +
                        login_keyring().string() + " away and run this again");
      case Present::nothing:
        break;
    }
    write_whole(password, random_password(), 0600);
  }
  try {
    start_unlocked(store);
  } catch (const Error& error) {
    if (!made_before) {
      disable_user_units({"regsync-keyring.service"});
      remove_unused(password);
    }
    if (error.code() != ErrorCode::locked) {
      throw;
    }
    throw Error(ErrorCode::locked, "the keyring has another password than " + password.string(),
                "write the keyring's password to that file, without a line end, and run this again");
  }
  if (!made_before) {
    out << "made a password for the keyring: " << password.string() << "\n";
  }
  out << "gnome-keyring runs as a user service now, unlocked; to have it without a login: loginctl enable-linger\n";
}

}  // namespace regsync::cli
