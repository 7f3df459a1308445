// MemoryStore is a CredentialStore in memory with the contract of the real one.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/credential_store.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync::test {

class MemoryStore final : public CredentialStore {
 public:
  void store(const Credential& credential) override {
    require_storable(credential);
    require_usable();
    logins_.insert_or_assign(RegistryKey(credential.login.server), credential.clone());
  }

  std::optional<Credential> get(std::string_view server) override {
    require_server(server);
    require_usable();
    const auto kept = logins_.find(RegistryKey(server));
    return kept == logins_.end() ? std::nullopt : std::optional(kept->second.clone());
  }

  bool erase(std::string_view server) override {
    require_server(server);
    require_usable();
    return logins_.erase(RegistryKey(server)) > 0;
  }

  std::vector<Login> list() override {
    require_usable();
    std::map<std::string, Login> sorted;
    for (const auto& [key, credential] : logins_) {
      sorted.emplace(credential.login.server, credential.login);
    }
    std::vector<Login> logins;
    for (auto& [server, login] : sorted) {
      logins.push_back(login);
    }
    return logins;
  }

  StoreReading load(std::set<RegistryKey> asked) override {
    StoreReading logins{};
    logins.asked = std::move(asked);
    logins.unreadable = unreadable;
    logins.provider = StoreProvider{.program = "memory", .pid = 1, .bus_name = ":1.1"};
    logins.collections = {{.path = "/login", .label = "Login", .locked = false, .is_default = true}};
    for (const Login& login : list()) {
      logins.all.push_back({login, "/login"});
      if (logins.asked.contains(RegistryKey(login.server))) {
        logins.credentials.push_back(*get(login.server));
      }
    }
    return logins;
  }

  // While this is set, every call throws it.
  std::optional<Error> problem;
  // Copied into each reading.
  std::size_t unreadable = 0;

 private:
  void require_usable() const {
    if (problem) {
      throw Error(*problem);
    }
  }

  std::map<RegistryKey, Credential> logins_;
};

// AskingStore forwards to another store but refuses one login, like KeePassXC when it asks a person about each login.
class AskingStore final : public CredentialStore {
 public:
  AskingStore(CredentialStore& store, std::string asks_for) : store_(store), asks_for_(std::move(asks_for)) {}

  void store(const Credential& credential) override { store_.store(credential); }
  std::optional<Credential> get(std::string_view server) override {
    if (server == asks_for_) {
      throw Error(ErrorCode::locked, "KeePassXC asks before it gives the login of " + asks_for_, "allow it");
    }
    return store_.get(server);
  }
  bool erase(std::string_view server) override { return store_.erase(server); }
  std::vector<Login> list() override { return store_.list(); }
  StoreReading load(std::set<RegistryKey> asked) override { return store_.load(std::move(asked)); }

 private:
  CredentialStore& store_;
  std::string asks_for_;
};

}  // namespace regsync::test
