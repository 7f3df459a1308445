// CredentialStore over the Secret Service (gnome-keyring, KWallet, KeePassXC), with the schema and the attributes of
// docker-credential-secretservice, so that each helper sees the other's logins.
//
// Construction does no I/O. A restarted keyring or bus is found again by the next call. See credential_store.hpp for
// threads and errors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "helper/store/credential_store.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

class SecretServiceClient;

class SecretServiceStore final : public CredentialStore {
 public:
  // cancel_fd: a file descriptor of the caller's (EventFd) that outlives this. Once it is readable, a call that waits
  // for the service ends with ErrorCode::cancelled. -1: none.
  explicit SecretServiceStore(Prompt prompt, int cancel_fd = -1);
  ~SecretServiceStore() override;
  SecretServiceStore(const SecretServiceStore&) = delete;
  SecretServiceStore& operator=(const SecretServiceStore&) = delete;
  SecretServiceStore(SecretServiceStore&&) = delete;
  SecretServiceStore& operator=(SecretServiceStore&&) = delete;

  void store(const Credential& credential) override;
  std::optional<Credential> get(std::string_view server) override;
  bool erase(std::string_view server) override;
  std::vector<Login> list() override;
  StoreReading load(std::set<RegistryKey> asked) override;

  // Whether the default collection is there and locked; cheaper than a reading.
  bool locked();

 private:
  // An item of our schema, without its secret.
  struct Item {
    std::string path;
    Login login;
    bool locked = false;
    std::uint64_t modified = 0;  // seconds since 1970; asked only where two items compete
  };
  struct Found {
    [[nodiscard]] std::vector<Login> logins() const;  // one per server: its latest

    std::vector<Item> items;  // the latest first
    std::string collection;   // the default one
    bool collection_locked = false;
  };

  // Only who stores asks the person to choose a password for a first collection.
  enum class IfNoCollection : std::uint8_t { fail, create };

  SecretServiceClient& bus();
  // The common case of `get` in two round trips: one readable item under exactly this name.
  std::optional<Credential> lookup(const std::string& server);
  // All items of our schema, and the state of the default collection.
  Found find();
  // A service that fails may say of any item that it is gone, which would pass for a logout: only a search that leaves
  // it out is believed. Throws store_unavailable.
  void expect_gone(const std::vector<std::string>& paths);
  void sort_by_time(std::vector<Item>& items);
  // All items of our schema, once there is a default collection, and it and the items that `concerned` accepts are
  // unlocked. Throws store_unavailable, locked.
  Found find_unlocked(const std::function<bool(const Login&)>& concerned,
                      IfNoCollection if_none = IfNoCollection::fail);
  // The secrets, in the order of the items; nothing for an item that has vanished since it was found.
  std::vector<std::optional<SecretString>> secrets(const std::vector<Item>& items);
  void open_session();
  // The path of the item that was made or replaced; empty if the service did not say.
  std::string create_item(const std::string& collection, const Credential& credential);
  void delete_item(const Item& item);

  const Prompt prompt_;
  const int cancel_fd_;
  std::unique_ptr<SecretServiceClient> bus_;
  std::string session_;        // D-Bus path; empty before the first search
  std::string session_owner_;  // the unique bus name of the service that keeps it
};

}  // namespace regsync
