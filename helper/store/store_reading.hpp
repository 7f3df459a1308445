// One reading of the keyring, with what its reader must know to say that a login is gone.
//
// Absent is not deleted: a collection that is locked may not show its logins (KeePassXC shows none of them,
// gnome-keyring none before the first unlock), a closed database is no collection any more, and another provider can
// take the bus name within a second. So a reading names the provider and every collection, and the collection of each
// login. Plain values; a reading is made on the store's thread and belongs to whoever gets it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

// The program that keeps the logins. A program of another name is another store, whatever it holds.
struct StoreProvider {
  std::string program;   // file name of its executable: "gnome-keyring-daemon", "keepassxc"; empty if unknown
  int pid = 0;           // 0 if unknown
  std::string bus_name;  // its unique name on the session bus; another one after each start

  bool operator==(const StoreProvider&) const = default;
};

// The provider of a reading of files alone.
inline constexpr const char* login_files_program = "files";

// A keyring, wallet or database of the provider; or a file of Docker's format, or a folder of such files.
struct StoreCollection {
  std::string path;  // the same after a restart of the provider
  std::string label;
  bool locked = false;  // of a file: it cannot be read now
  bool is_default = false;
  bool is_file = false;
  std::chrono::sys_seconds created = {};  // zero: its provider does not say, or was not asked

  bool operator==(const StoreCollection&) const = default;
};

struct KeptLogin {
  Login login;
  std::string collection;                 // the path of its collection
  std::chrono::sys_seconds changed = {};  // when, as the provider says

  bool operator==(const KeptLogin&) const = default;
};

struct StoreReading {
  std::set<RegistryKey> asked;            // the registries whose secrets were asked for; other secrets are unknown
  std::vector<Credential> credentials;    // of the asked registries: one login for each that could be read
  std::map<RegistryKey, Error> problems;  // asked registries without one here that may have one, and why
  std::vector<KeptLogin> all;             // every login that the store shows, names only, sorted by server
  std::size_t unreadable = 0;             // entries of our kind whose names make no sense
  std::optional<StoreProvider> provider;  // none if nobody answered
  std::vector<StoreCollection> collections;
  // Of what was read before, only what changed was read again. Nobody is gone who was there before; who was missing may
  // have come without a signal.
  bool only_changes = false;
  std::optional<Error> problem;  // why the store as a whole cannot be read: locked, store_unavailable, …

  // The first of `all` that is this one; null where none is.
  [[nodiscard]] const KeptLogin* find(const Login& login) const {
    const auto same_server = std::ranges::equal_range(
        all, login.server, {}, [](const KeptLogin& each) -> const std::string& { return each.login.server; });
    const auto found = std::ranges::find(same_server, login, &KeptLogin::login);
    return found == same_server.end() ? nullptr : &*found;
  }

  [[nodiscard]] const StoreCollection* find_collection(const std::string& path) const {
    const auto found = std::ranges::find(collections, path, &StoreCollection::path);
    return found == collections.end() ? nullptr : &*found;
  }

  // Whether a login that is not in `all` is in none of `collections`. Whoever wants to know that it is gone also
  // compares the provider, and the collections, with those that had it.
  [[nodiscard]] bool shows_everything() const {
    return !problem && unreadable == 0 && !collections.empty() &&
           std::ranges::none_of(collections, &StoreCollection::locked);
  }
};

}  // namespace regsync
