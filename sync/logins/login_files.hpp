// LoginFiles reads logins from files of Docker's formats: Docker's config.json, Podman's auth.json, `.dockerconfigjson`
// or `.dockercfg` of a mounted Secret.
//
// A path is a file, or a folder whose files (and those of its subfolders) are all read; names that begin with ".." are
// Kubernetes' own. A key "work@ghcr.io" is the login of an account (see RegistryKey); to Docker's clients, and in a
// Secret, it is that of ghcr.io. If two files have a login for one registry, the first wins: in the order of the paths,
// and by name within a folder. A file that is partial, empty, unreadable or gone is a problem of the reading and never
// a logout: its last content stays in force. A login is missing only if its file exists, is complete, and lacks it.
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

  // Each file, and each folder given as a path, is a collection of the reading; its provider is login_files_program.
  [[nodiscard]] StoreReading read(const std::set<RegistryKey>& asked);

  // The same with the logins of all registries that the files name.
  [[nodiscard]] StoreReading read_all();

  // As of the last reading: credHelpers of the files (registry to helper), and the paths to watch for changes.
  [[nodiscard]] const std::map<std::string, std::string>& helpers() const { return helpers_; }
  [[nodiscard]] const std::vector<std::filesystem::path>& followed() const { return followed_; }

 private:
  // The logins in a file. Secrets of the asked registries only.
  struct Content {
    std::chrono::sys_seconds changed = {};  // when the file changed; 0: unknown
    std::vector<Login> all;
    std::vector<Credential> credentials;
    std::map<RegistryKey, Error> problems;
    std::map<std::string, std::string> helpers;
  };

  static Content parse(const std::filesystem::path& path, const std::set<RegistryKey>& asked);
  void add(StoreReading& reading, const std::filesystem::path& file, bool readable);

  std::vector<std::filesystem::path> paths_;
  std::map<std::filesystem::path, Content> contents_;  // of each file, as it last was complete
  std::map<std::string, std::string> helpers_;
  std::vector<std::filesystem::path> followed_;
};

// The logins of files together with those of the keyring; a file's login wins if both have one, so that the result does
// not depend on whether the store is unlocked. Problems of the store matter only if no file has an asked login. store:
// nothing while it has not answered.
StoreReading merge_readings(StoreReading files, const std::optional<StoreReading>& store);

}  // namespace regsync
