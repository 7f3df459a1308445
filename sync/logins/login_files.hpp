// Logins in files of Docker's formats: Docker's config.json, Podman's auth.json, `.dockerconfigjson` or `.dockercfg` of
// a mounted Secret.
//
// A path is a file, or a folder whose files (and those of its folders) are all read; names that begin with ".." are
// Kubernetes' own. A key "work@ghcr.io" is the login of an account (see RegistryKey); to Docker's clients, and in a
// Secret, it is that of ghcr.io. Of two files with a login for one registry, the first counts: in the order of the
// paths, and by name within a folder. A file that is torn, empty, unreadable or gone is a problem of the reading and
// never a logout: what it held last stays in force. A login is missing only where its file is there, whole, and lacks
// it.
//
// Synchronous file I/O; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

class LoginFiles {
 public:
  explicit LoginFiles(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {}

  // Each file, and each folder that was given, is a collection of the reading; its provider is login_files_program.
  [[nodiscard]] StoreReading read(const std::set<RegistryKey>& asked);

  // The same with the logins of all registries that the files name.
  [[nodiscard]] StoreReading read_all();

  // As of the last reading: credHelpers of the files (registry to helper), and what to follow to learn of changes.
  [[nodiscard]] const std::map<std::string, std::string>& helpers() const { return helpers_; }
  [[nodiscard]] const std::vector<std::filesystem::path>& followed() const { return followed_; }

 private:
  // What a file says of logins. Secrets of the asked registries only.
  struct Content {
    std::chrono::sys_seconds changed = {};  // the file; 0: not known
    std::vector<Login> all;
    std::vector<Credential> credentials;
    std::map<RegistryKey, Error> problems;
    std::map<std::string, std::string> helpers;
  };

  static Content parse(const std::filesystem::path& path, const std::set<RegistryKey>& asked);
  void add(StoreReading& reading, const std::filesystem::path& file, bool readable);

  std::vector<std::filesystem::path> paths_;
  std::map<std::filesystem::path, Content> contents_;  // of each file, as it was last whole
  std::map<std::string, std::string> helpers_;
  std::vector<std::filesystem::path> followed_;
};

// The logins of files together with those of the keyring; a file's counts where both have one, so that it does not
// depend on whether the store is unlocked. What is wrong with the store matters only where a file does not have what
// was asked for. store: nothing while it has not answered.
StoreReading merge_readings(StoreReading files, const std::optional<StoreReading>& store);

}  // namespace regsync
