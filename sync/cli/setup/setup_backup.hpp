// SetupBackup is the state that `regsync setup --undo` restores, in a file beside the client's config: the other
// helpers that the config named before, and in a member "regsync" what the setups did. It holds no login: the secrets
// are in the config or the keyring, and a copy would outlive `docker logout`.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/logins/docker_config_file.hpp"

namespace regsync::cli {

class SetupBackup {
 public:
  struct Note {
    std::vector<std::string> imported;  // servers whose logins a setup moved
    bool created = false;               // the first setup made the config
  };

  // Reads the backup of this config; throws as DockerConfigFile does.
  explicit SetupBackup(const std::filesystem::path& config);
  static bool exists(const std::filesystem::path& config) { return std::filesystem::exists(path_of(config)); }

  // Ignores what setup would not have written, since a person may have edited the file.
  [[nodiscard]] Note note();
  [[nodiscard]] std::optional<std::string> store_helper() const { return file_.store_helper(); }
  [[nodiscard]] std::optional<std::string> registry_entry(const std::string& registry) const {
    return file_.registry_entry(registry);
  }

  // Call it before `config` changes: before it names our helper for these keys of credHelpers (none: for everything),
  // and before the logins of `moved` are removed from it. Undo restores the first backup; later calls add imported
  // servers and replaced helpers.
  void add(const DockerConfigFile& config, const std::set<std::string>& registries,
           const std::vector<std::string>& moved);
  // Keeps what an undo could not restore, for a later undo.
  void keep(const Note& left);
  void remove() const { std::filesystem::remove(file_.path()); }

 private:
  static std::filesystem::path path_of(const std::filesystem::path& config);

  DockerConfigFile file_;
};

}  // namespace regsync::cli
