// Who keeps a login, and so how a person renews it. Pure; any thread.
#pragma once

#include <string>

#include "helper/store/registry_key.hpp"

namespace regsync {

// The keyring, where neither is named.
struct LoginKeeper {
  std::string file = {};    // a login file; FILE where it is not known which
  std::string helper = {};  // the program of another credential helper: docker-credential-ecr-login

  bool operator==(const LoginKeeper&) const = default;
  [[nodiscard]] bool is_keyring() const { return file.empty() && helper.empty(); }
  [[nodiscard]] const std::string& name() const { return helper.empty() ? file : helper; }  // of one that is not
};

// As an order, to be put into a remedy: "log in again: docker login ghcr.io".
std::string how_to_renew(const RegistryKey& registry, const LoginKeeper& keeper);

}  // namespace regsync
