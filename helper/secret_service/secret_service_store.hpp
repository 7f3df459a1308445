// CredentialStore over the Secret Service (gnome-keyring, KWallet, KeePassXC), with the schema and the attributes of
// docker-credential-secretservice, so that each helper sees the other's logins. Logins of accounts ("work@ghcr.io", see
// RegistryKey) have a schema of their own, which no other program reads.
//
// Construction does no I/O. A restarted keyring or bus is found again by the next call. See credential_store.hpp for
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

// Which logins a store keeps. To docker_clients, user info before a host is none of the name.
enum class Shelf {
  in_force,        // those of docker_clients, and those of accounts, which no client sees
  docker_clients,  // what clients of the Docker helper protocol see
  replaced,        // those that were in force before, which no client sees
};

class SecretServiceStore final : public CredentialStore {
 public:
  // cancel_fd: a file descriptor of the caller's (EventFd) that outlives this. Once it is readable, a call that waits
  // for the service ends with ErrorCode::cancelled. -1: none.
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

  // The same after a load() of the same registries, of whose items only these (D-Bus paths) were created or changed
  // since: reads no others. Nothing where that cannot tell what is there now; then load() does.
  std::optional<StoreReading> load_changes(const std::set<std::string>& paths, const std::set<RegistryKey>& asked);

  // Whether the default collection is locked; nothing where there is none. Cheaper than a reading.
  std::optional<bool> default_lock();

  // Who keeps the logins; none if nobody does. Starts nothing.
  std::optional<StoreProvider> provider();

 private:
  using Secrets = std::map<std::string, SecretString>;  // by the paths of their items
  struct Last;

  // Connects where there is no connection (any more), and begins a command's budget of time.
  void connect();
  [[nodiscard]] RegistryKey key_of(std::string_view server) const;
  [[nodiscard]] const char* schema_of(const RegistryKey& key) const;
  // Only an account's name holds "@", unless this is the shelf of clients.
  [[nodiscard]] StoreContents named(StoreContents contents) const;
  // What is there, that of the wanted registry in full (null: names alone), once nothing is locked that `locked_of`
  // names. Throws locked.
  StoreContents open(const RegistryKey* wanted,
                     const std::function<std::vector<std::string>(const StoreContents&)>& locked_of);
  // What must be unlocked to know the login of a registry that no open collection shows.
  [[nodiscard]] std::vector<std::string> locks_of_absent(const StoreContents& contents, const RegistryKey& key,
                                                         const std::string& exact);
  void note_allowed(const StoreContents& contents, const std::vector<std::string>& unlocked);
  [[nodiscard]] Error locked_error(const StoreContents& contents);
  // As the reader has them, or where the provider wants it so, over libsecret.
  std::vector<Answer<SecretString>> secrets(const std::vector<StoredItem>& items);
  // Adds the logins of the asked registries to a reading of these contents; what is not in `known` is read into it.
  void load_secrets(const StoreContents& contents, Secrets& known, StoreReading& reading);
  // Why the secret of an item was not given; nothing where the reading's own problem says so already.
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
