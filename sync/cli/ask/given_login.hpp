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

// Reads the password from standard input or the terminal; returns nullopt if no login was given. Throws UsageError if
// there is no password.
std::optional<Credential> read_login(const GivenLogin& given, Console& console);

// Returns the registries for a command without --registry: that of the only login in the keyring, or those that the
// person chooses. Throws UsageError if neither is possible.
std::vector<std::string> choose_registries(Console& console);

// Warns of registries without a login. That is not an error: a later login is synced at once.
void warn_of_missing_logins(const Target& target, Console& console);

}  // namespace regsync::cli
