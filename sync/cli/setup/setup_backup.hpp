// What `regsync setup --undo` goes back to, in a file beside the client's config: the helpers but ours that the config
// named before, and in a member "regsync" what the setups did. It holds no login: the secrets stay in the config or are
// in the keyring, and a copy would outlive `docker logout`.
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

  // Of this config. Reads it; throws as DockerConfigFile does.
  explicit SetupBackup(const std::filesystem::path& config);
  static bool exists(const std::filesystem::path& config) { return std::filesystem::exists(path_of(config)); }

  // A person can have edited it: what setup would not have written does not count.
  [[nodiscard]] Note note();
  [[nodiscard]] std::optional<std::string> store_helper() const { return file_.store_helper(); }
  [[nodiscard]] std::optional<std::string> registry_entry(const std::string& registry) const {
    return file_.registry_entry(registry);
  }

  // Before `config` changes: it is to name our helper for these keys of credHelpers (none: for everything), and the
  // logins of the servers in `moved` leave it. The first backup is the one that undo goes back to; later ones add what
  // was imported, and the helpers that they take the place of.
  void add(const DockerConfigFile& config, const std::set<std::string>& registries,
           const std::vector<std::string>& moved);
  // What an undo could not restore, for a later one.
  void keep(const Note& left);
  void remove() const { std::filesystem::remove(file_.path()); }

 private:
  static std::filesystem::path path_of(const std::filesystem::path& config);

  DockerConfigFile file_;
};

}  // namespace regsync::cli
