// LoginSource is a place that logins come from: the keyring, or files. It separates those from the engine.
//
// A source reads when it starts, whenever what it follows may have changed, and on request. Each reading goes to the
// handler given at construction: on the io_context thread, never from inside a call of want() or refresh().
#pragma once

#include <functional>
#include <set>

#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

class LoginSource {
 public:
  using Handler = std::function<void(StoreReading)>;

  LoginSource() = default;
  virtual ~LoginSource() = default;
  LoginSource(const LoginSource&) = delete;
  LoginSource& operator=(const LoginSource&) = delete;
  LoginSource(LoginSource&&) = delete;
  LoginSource& operator=(LoginSource&&) = delete;

  // Sets the registries whose secrets are read from now on; starts a new reading.
  virtual void want(std::set<RegistryKey> registries) = 0;

  // Reads again now.
  virtual void refresh() = 0;
};

}  // namespace regsync
