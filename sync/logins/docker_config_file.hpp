// DockerConfigFile is Docker's config.json as `regsync setup` edits it and the engine reads it: it changes only the few
// keys that concern credentials, and keeps everything else (unknown keys byte for byte, their order, the file's mode, a
// symbolic link to it).
//
// For the format, see docker/cli, cli/config/configfile/file.go. One owner, one thread. The document may hold secrets;
// it is never displayed.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "helper/store/credential.hpp"

namespace regsync {

// $DOCKER_CONFIG/config.json, else ~/.docker/config.json.
std::filesystem::path default_docker_config();

// The file of the same format that `helm registry login` writes; helm only reads Docker's as a fallback. (helm.sh/helm,
// pkg/registry/client.go and pkg/helmpath/lazypath.go: $HELM_REGISTRY_CONFIG, else registry/config.json in
// $HELM_CONFIG_HOME, else in $XDG_CONFIG_HOME/helm, else in ~/.config/helm.)
std::filesystem::path default_helm_config();

// The name of our credential helper in a config.
inline constexpr const char* our_helper = "regsync";

// Whether the credential helper of this name keeps its logins in the keyring, where regsync reads them itself: ours,
// and Docker's "secretservice", whose items are the same.
bool is_keyring_helper(const std::string& name);

class DockerConfigFile {
 public:
  // The kind of file: docker's own; or a file of logins as kubelet reads it, which may also be a `.dockercfg` (the
  // content of "auths" alone) and must not be edited.
  enum class Form { config, login_file };

  // Reads the file; a missing or empty one is an empty document. Throws Error(invalid_input) naming the file and the
  // byte.
  explicit DockerConfigFile(std::filesystem::path path, Form form = Form::config);
  ~DockerConfigFile();
  DockerConfigFile(const DockerConfigFile&) = delete;
  DockerConfigFile& operator=(const DockerConfigFile&) = delete;
  DockerConfigFile(DockerConfigFile&&) = delete;
  DockerConfigFile& operator=(DockerConfigFile&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Whether the file was missing, empty or null.
  [[nodiscard]] bool is_blank() const;

  // The helper for everything ("credsStore"), and for one registry ("credHelpers"); nothing if none is named.
  [[nodiscard]] std::optional<std::string> store_helper() const;
  [[nodiscard]] std::optional<std::string> registry_helper(const std::string& registry) const;
  // Whether "credHelpers" has this key at all: an empty name means the file itself, regardless of "credsStore".
  [[nodiscard]] bool has_registry_entry(const std::string& registry) const;
  // The entry as written there, for set_registry_helper(): "" for an empty name.
  [[nodiscard]] std::optional<std::string> registry_entry(const std::string& registry) const;
  [[nodiscard]] std::vector<std::string> registries_with_helpers() const;
  // Whether this helper is named for everything, or for some registry.
  [[nodiscard]] bool uses(const std::string& helper) const;
  // The registries whose helper is not ours, with that helper's name.
  [[nodiscard]] std::map<std::string, std::string> foreign_helpers() const;
  // Call before an edit that would otherwise fail halfway or lose data: throws Error(invalid_input) naming the member
  // that has another type than docker reads, or that occurs twice.
  void require_editable() const;
  void set_store_helper(const std::optional<std::string>& helper);
  void set_registry_helper(const std::string& registry, const std::optional<std::string>& helper);

  // The logins that the file itself holds ("auths"), as they would be given to a helper: an identity token is the
  // secret of user "<token>". Of several spellings of one registry, the one that Docker's clients look up comes first:
  // RegistryKey::auths_key(). `unreadable` receives the keys of entries that hold something else.
  [[nodiscard]] std::vector<Credential> plain_logins(std::vector<std::string>* unreadable = nullptr) const;
  // The keys of "auths" whose entry holds no login: it was removed, or is kept elsewhere.
  [[nodiscard]] std::vector<std::string> blank_entries() const;
  // Whether the document is the table of logins itself, as in `.dockercfg`.
  [[nodiscard]] bool is_table_of_logins() const { return is_table_; }
  // Whether "auths" exists and is not an object.
  [[nodiscard]] bool has_odd_auths() const;
  // Removes the login from an entry, if any, and keeps the entry, as docker does when a helper keeps the login.
  void blank_login(const std::string& server);
  void put_login(const Credential& login);

  // Drops every member except the two that name helpers: a copy that only serves to undo a setup needs no more.
  void keep_helpers_only();

  // The whole document, with what regsync noted in its own copy (a member "regsync"); see setup_backup.hpp.
  [[nodiscard]] nlohmann::ordered_json& document() { return *document_; }
  [[nodiscard]] bool empty() const;

  // Replaces the whole file. Throws Error(stale) if somebody else changed it since it was read.
  void save();
  // Writes the document to another file, 0600.
  void save_copy(const std::filesystem::path& path) const;

 private:
  [[nodiscard]] std::string text() const;

  std::filesystem::path path_;
  Form form_;
  bool is_table_ = false;
  std::optional<std::string> repeated_;  // what occurs twice, for display
  std::optional<std::string> original_;  // the bytes that were read
  std::unique_ptr<nlohmann::ordered_json> document_;
};

}  // namespace regsync
