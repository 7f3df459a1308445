// CredentialStore over the Secret Service (gnome-keyring, KWallet, KeePassXC), with the schema and the attributes of
// docker-credential-secretservice, so that either helper sees the other's logins. Logins of accounts ("work@ghcr.io",
// see RegistryKey) have a schema of their own, which no other program reads.
//
// Construction does no I/O. The next call reconnects to a restarted keyring or bus. See credential_store.hpp for
// threads and errors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/secret_string.hpp"
#include "helper/store/credential_store.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

struct BusError;
class SecretServiceClient;
class SecretServiceReader;
class SecretServiceWriter;
template <typename T>
struct Answer;
struct StoreContents;
struct StoredItem;

// Selects the logins that a store keeps. For docker_clients, user info before a host is not part of the name.
enum class Shelf {
  in_force,        // those of docker_clients, and those of accounts, which clients do not see
  docker_clients,  // what clients of the Docker helper protocol see
  replaced,        // former in_force logins, which clients do not see
};

class SecretServiceStore final : public CredentialStore {
 public:
  // cancel_fd: a file descriptor (EventFd) that the caller owns and that outlives this object. Once it is readable, a
  // call that waits for the service ends with ErrorCode::cancelled. -1 for none.
  explicit SecretServiceStore(Prompt prompt, int cancel_fd = -1, Shelf shelf = Shelf::in_force);
  ~SecretServiceStore() override;
  SecretServiceStore(const SecretServiceStore&) = delete;
  SecretServiceStore& operator=(const SecretServiceStore&) = delete;
  SecretServiceStore(SecretServiceStore&&) = delete;
  SecretServiceStore& operator=(SecretServiceStore&&) = delete;

  void store(const Credential& asked) override;
  std::optional<Credential> get(std::string_view server) override;
  bool erase(std::string_view server) override;
  std::vector<Login> list() override;
  StoreReading load(std::set<RegistryKey> asked) override;

  // The same after a load() of the same registries, if since then only these items (D-Bus paths) were created or
  // changed: reads no others. Returns nullopt if that does not suffice; call load() then.
  std::optional<StoreReading> load_changes(const std::set<std::string>& paths, const std::set<RegistryKey>& asked);

  // Whether the default collection is locked; nullopt if there is none. Cheaper than a reading.
  std::optional<bool> default_lock();

  // The program that keeps the logins; nullopt if there is none. Starts nothing.
  std::optional<StoreProvider> provider();

 private:
  using Secrets = std::map<std::string, SecretString>;  // by the paths of their items
  struct Last;

  // Connects if there is no live connection, and starts the time budget of a command.
  void connect();
  [[nodiscard]] RegistryKey key_of(std::string_view server) const;
  [[nodiscard]] const char* schema_of(const RegistryKey& key) const;
  // Drops user info from the names of items that Docker's clients stored, so that only an account's name holds "@".
  // Changes nothing on the shelf docker_clients.
  [[nodiscard]] StoreContents named(StoreContents contents) const;
  // Reads the contents, with the items of the wanted registry in full (null: names only), after unlocking what
  // `locked_of` names. Throws locked.
  StoreContents open(const RegistryKey* wanted,
                     const std::function<std::vector<std::string>(const StoreContents&)>& locked_of);
  // Reads all contents, after unlocking the default collection and those that hold the logins of these registries; all
  // collections that need no prompt if prompts are not allowed. What stays locked shows in the contents.
  StoreContents open_for(const std::set<RegistryKey>& keys);
  // What to unlock to read the login of a registry, or to find it.
  [[nodiscard]] std::vector<std::string> locks_of(const StoreContents& contents, const RegistryKey& key,
                                                  const std::string& exact);
  // What to unlock to find the login of a registry that no open collection shows.
  [[nodiscard]] std::vector<std::string> locks_of_absent(const StoreContents& contents, const RegistryKey& key,
                                                         const std::string& exact);
  void note_allowed(const StoreContents& contents, const std::vector<std::string>& unlocked);
  [[nodiscard]] Error locked_error(const StoreContents& contents);
  // Reads secrets with the reader, or with libsecret where the provider requires it.
  std::vector<Answer<SecretString>> secrets(const std::vector<StoredItem>& items);
  // Adds the logins of the requested registries to a reading of these contents; reads secrets missing from `known` into
  // it.
  void load_secrets(const StoreContents& contents, Secrets& known, StoreReading& reading);
  // Why the secret of an item was not given; nullopt if the problem of the reading already says so.
  std::optional<Error> problem_of(const BusError& error, const StoredItem& item, const StoreContents& contents,
                                  const StoreReading& reading);
  void require_gone(const StoredItem& item);

  const Prompt prompt_;
  const int cancel_fd_;
  const Shelf shelf_;
  std::unique_ptr<SecretServiceClient> client_;
  std::unique_ptr<SecretServiceReader> reader_;
  std::unique_ptr<SecretServiceWriter> writer_;
  std::set<std::string> allowed_;  // items that the person opened for the writer
  std::unique_ptr<Last> last_;     // null: the next reading must be of everything
};

}  // namespace regsync
