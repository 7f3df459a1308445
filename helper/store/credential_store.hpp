// CredentialStore is the seam between regsync and the keyring.
//
// Every call is synchronous and may block (D-Bus; a prompt if the store was made with Prompt::allowed), so the daemon
// makes them only on its store thread. One thread at a time. Errors: Error with code locked (exists, but not readable
// now), store_unavailable (no bus, no provider, no default collection), invalid_input. A login that does not exist is
// never an error and never confused with a locked one.
#pragma once

#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

// Whether the store may prompt the user to unlock it. Only a command run by the user may.
enum class Prompt { allowed, never };

class CredentialStore {
 public:
  virtual ~CredentialStore() = default;

  // Replaces whatever login the server has. Writes nothing when the same login is already there.
  virtual void store(const Credential& credential) = 0;

  // The login kept under exactly this server or another spelling of it; see RegistryKey.
  virtual std::optional<Credential> get(std::string_view server) = 0;

  // Returns whether something was deleted. Throws if that is unknown.
  virtual bool erase(std::string_view server) = 0;

  // All logins that the store shows, without loading a secret. Sorted by server; one login per server.
  virtual std::vector<Login> list() = 0;

  // Reads what is readable now: the names of all logins, and the logins of the `asked` registries with their secrets,
  // one per registry. A login that cannot be read is a problem of its registry alone; a locked default collection is
  // also a problem of the whole reading. Throws store_unavailable if nobody answers.
  virtual StoreReading load(std::set<RegistryKey> asked) = 0;
};

// What every store requires of its input; throws invalid_input. Server and user name: not empty, UTF-8, no NUL, no
// noncharacter (U+FFFE and its like). The secret: not empty, no NUL, UTF-8 (KWallet keeps text; C clients end at a
// NUL).
void require_storable(const Credential& credential);
void require_server(std::string_view server);

}  // namespace regsync
