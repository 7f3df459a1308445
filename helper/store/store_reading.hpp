// One reading of the keyring, with all that is needed to decide whether a login is gone.
//
// Absent is not deleted: a collection that is locked may not show its logins (KeePassXC shows none of them,
// gnome-keyring none before the first unlock), a closed database is no longer a collection, and another provider can
// take the bus name within a second. So a reading names the provider, every collection, and the collection of each
// login. Plain values; a reading is made on the store thread and then belongs to its receiver.
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

// The program that keeps the logins. A program with another name is another store, whatever it holds.
struct StoreProvider {
  std::string program;   // file name of its executable: "gnome-keyring-daemon", "keepassxc"; empty if unknown
  int pid = 0;           // 0 if unknown
  std::string bus_name;  // its unique name on the session bus; differs after each start

  bool operator==(const StoreProvider&) const = default;
};

// The provider name in a reading of files only.
inline constexpr const char* login_files_program = "files";

// A keyring, wallet or database of the provider; or a file in Docker's format, or a folder of such files.
struct StoreCollection {
  std::string path;  // the same after a restart of the provider
  std::string label;
  bool locked = false;  // for a file: it cannot be read now
  bool is_default = false;
  bool is_file = false;
  std::chrono::sys_seconds created = {};  // zero: unknown, or not read

  bool operator==(const StoreCollection&) const = default;
};

struct KeptLogin {
  Login login;
  std::string collection;                 // the path of its collection
  std::chrono::sys_seconds changed = {};  // according to the provider

  bool operator==(const KeptLogin&) const = default;
};

struct StoreReading {
  std::set<RegistryKey> asked;            // the registries whose secrets were read; other secrets are unknown
  std::vector<Credential> credentials;    // of the `asked` registries: one login for each that could be read
  std::map<RegistryKey, Error> problems;  // `asked` registries that may have a login but have none here, and why
  std::vector<KeptLogin> all;             // every login that the store shows, names only, sorted by server
  std::size_t unreadable = 0;             // entries of our kind with malformed names
  std::optional<StoreProvider> provider;  // none if nobody answered
  std::vector<StoreCollection> collections;
  // Only changed items were read again, the others are from an earlier reading. No earlier login is gone; a login that
  // was missing may have been added since, without a signal.
  bool only_changes = false;
  std::optional<Error> problem;  // why the store as a whole cannot be read: locked, store_unavailable, …

  // The first entry of `all` for this login; null if there is none.
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

  // Whether a login that is not in `all` is in none of `collections`. To conclude that it is gone, also compare the
  // provider and the collections with those that had it.
  [[nodiscard]] bool shows_everything() const {
    return !problem && unreadable == 0 && !collections.empty() &&
           std::ranges::none_of(collections, &StoreCollection::locked);
  }
};

}  // namespace regsync
