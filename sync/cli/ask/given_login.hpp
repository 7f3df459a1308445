// The logins that `regsync add` uses: one given on the command line, as for `kubectl create secret docker-registry`, or
// those of the keyring. Blocks; one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "helper/store/credential.hpp"
#include "sync/cli/view/console.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

inline constexpr const char* docker_hub = "https://index.docker.io/v1/";  // kubectl's default --docker-server

struct GivenLogin {
  std::string server;
  std::string username;
  std::string password;
  bool password_stdin = false;
};

// Throws UsageError for a password without a user name, or given in two ways.
void require_whole(const GivenLogin& given);

// Reads the password that goes with it, from standard input or the terminal; nothing where no login was given. Throws
// UsageError where there is no password.
std::optional<Credential> read_login(const GivenLogin& given, Console& console);

// Without --registry: the only login of the keyring, or what the person chooses. Throws UsageError where neither is
// possible.
std::vector<std::string> choose_registries(Console& console);

// A registry nobody is logged in to is no error: the login may come later, and then it is synced at once.
void warn_of_missing_logins(const Target& target, Console& console);

}  // namespace regsync::cli
