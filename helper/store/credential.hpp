// A registry login.
#pragma once

#include <string>

#include "helper/base/secret_string.hpp"

namespace regsync {

// The public part of a login.
struct Login {
  // As the client stored it: "ghcr.io", "https://index.docker.io/v1/", "host:5000". For an account, as in RegistryKey:
  // "work@ghcr.io".
  std::string server;
  std::string username;  // "<token>" marks an identity token (docker/cli, credentials/types.go)

  bool operator==(const Login&) const = default;
};

struct Credential {
  Login login;
  SecretString secret;

  [[nodiscard]] Credential clone() const { return {login, secret.clone()}; }
  bool operator==(const Credential&) const = default;
};

}  // namespace regsync
