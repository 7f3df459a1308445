// LoginKeeper says where a login is kept, and so how the user renews it. Pure; any thread.
#pragma once

#include <string>

#include "helper/store/registry_key.hpp"

namespace regsync {

// The keyring if both members are empty.
struct LoginKeeper {
  std::string file = {};    // a login file; "FILE" if unknown
  std::string helper = {};  // the program of another credential helper: docker-credential-ecr-login

  bool operator==(const LoginKeeper&) const = default;
  [[nodiscard]] bool is_keyring() const { return file.empty() && helper.empty(); }
  [[nodiscard]] const std::string& name() const { return helper.empty() ? file : helper; }  // only if not the keyring
};

// As an instruction for a remedy: "log in again: docker login ghcr.io".
std::string how_to_renew(const RegistryKey& registry, const LoginKeeper& keeper);

}  // namespace regsync
