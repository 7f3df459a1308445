#include "sync/cli/setup/setup.hpp"

#include <algorithm>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <set>
#include <string_view>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/setup/containers_config.hpp"
#include "sync/cli/setup/foreign_helper.hpp"
#include "sync/cli/setup/headless_keyring.hpp"
#include "sync/cli/setup/user_service.hpp"
#include "sync/logins/docker_config_file.hpp"
#include "sync/model/target.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

constexpr const char* ours = "regsync";
constexpr const char* shares_our_items = "secretservice";  // keeps its logins where and as we do

// What undo needs: the helpers that docker's config named before, and in a member "regsync" which logins were imported.
fs::path backup_path(const fs::path& config) { return config.string() + ".before-regsync"; }

// A program that keeps its logins in a file of Docker's format.
struct Client {
  const char* name;
  const char* login;      // the command that logs in
  const char* importing;  // the one that moves its logins
  fs::path config;
};

Client docker(const SetupOptions& options) {
  return {"docker", "docker login", "regsync setup --import", options.docker_config};
}

Client helm() { return {"helm", "helm registry login", "regsync setup --helm --import", default_helm_config()}; }

void require_helper_on_path() {
  if (!is_on_path("docker-credential-regsync")) {
    throw Error(ErrorCode::not_found,
                "docker-credential-regsync is not on PATH, so docker could not keep logins with it",
                "install regsync, or add the folder of docker-credential-regsync to PATH; nothing was changed");
  }
}

// The keys of credHelpers that clients look a registry up by, literally (docker/cli, cli/config/configfile). A pull
// asks for the bare host in lower case, and for Docker Hub for the URL of its index; `docker login` keeps the login
// under the host as it was typed, Hub's other names included, but not docker.io and that URL
// (registry.ConvertToHostname). Throws Error(invalid_input) for what docker keeps no login for.
std::set<std::string> keys_for_docker(const std::string& registry) {
  require_registry(registry);
  const RegistryKey key(registry);
  const auto scheme = registry.find("://");
  const auto path = registry.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  const bool has_path = !key.path().empty() && !key.is_hub();
  if (has_path || !key.account().empty()) {
    throw Error(ErrorCode::invalid_input, "\"" + registry + "\" is not a registry that docker keeps a login for",
                "docker keeps one login per host: --registry " + std::string(key.host()));
  }
  std::set<std::string> keys{key.auths_key()};
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string typed = registry.substr(begin, path == std::string::npos ? path : path - begin);
  if (typed != "docker.io" && registry != key.auths_key()) {
    keys.insert(typed);
  }
  return keys;
}

class Import {
 public:
  Import(CredentialStore& store, const Client& client, std::ostream& out, std::ostream& err)
      : store_(store), client_(client), out_(out), err_(err) {}

  // Whether the store has it now, read back and equal.
  bool take(const Credential& login, std::string_view from) {
    try {
      if (const auto kept = store_.get(login.login.server); kept && !same(*kept, login)) {
        return leave(login.login.server, "the keyring has another login there (" + kept->login.username +
                                             "); to replace it, `" + client_.login + " " + login.login.server + "`");
      }
      store_.store(login);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_input) {
        throw;  // the store itself: nothing more will work
      }
      return leave(login.login.server, error.message());
    }
    const auto kept = store_.get(login.login.server);
    if (!kept || !same(*kept, login)) {
      throw Error(ErrorCode::store_unavailable,
                  "the keyring does not give back the login of " + login.login.server + " as it was stored",
                  "nothing was removed from " + client_.config.string() + "; `regsync doctor` tells more");
    }
    out_ << "imported " << login.login.server << " (" << login.login.username << ") from " << from << "\n";
    any_ = true;
    return true;
  }

  bool leave(const std::string& server, const std::string& reason) {
    err_ << "not imported: " << server << ": " << reason << "\n";
    complete_ = false;
    return false;
  }

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool failed_whole() const { return !complete_ && !any_; }

 private:
  static bool same(const Credential& a, const Credential& b) {
    return a.login.username == b.login.username && a.secret == b.secret;
  }

  CredentialStore& store_;
  const Client& client_;
  std::ostream& out_;
  std::ostream& err_;
  bool complete_ = true;
  bool any_ = false;
};

class Setup {
 public:
  Setup(const SetupOptions& options, Client client, std::ostream& out, std::ostream& err)
      : options_(options), client_(std::move(client)), out_(out), err_(err), config_(client_.config) {
    for (const std::string& registry : options.registries) {
      chosen_.merge(keys_for_docker(registry));
    }
  }

  int apply() {
    const auto store = options_.open_store();
    store->list();  // throws where docker would fail later

    Import import(*store, client_, out_, err_);
    std::vector<std::string> moved;
    std::vector<std::string> unreadable;
    for (const Credential& login : config_.plain_logins(&unreadable)) {
      if (!concerned(login.login.server)) {
        continue;
      }
      if (!options_.import_logins) {
        err_ << "note: " << client_.name << " will not see the login of " << login.login.server << " that is in "
             << config_.path().string() << " any more; to move it into the keyring: " << client_.importing << "\n";
      } else if (import.take(login, config_.path().string())) {
        moved.push_back(login.login.server);
      }
    }
    for (const std::string& helper : options_.import_logins ? std::set<std::string>() : former_helpers()) {
      err_ << "note: " << client_.name << " will not see the logins that docker-credential-" << helper << " keeps"
           << (chosen_.empty() ? "" : " for these registries")
           << " any more; to copy them into the keyring: " << client_.importing << "\n";
    }
    if (options_.import_logins) {
      for (const std::string& server : unreadable) {
        if (concerned(server)) {
          import.leave(server, "its entry in " + config_.path().string() + " holds no user name and password");
        }
      }
      for (const std::string& helper : former_helpers()) {
        import_from(helper, import);
      }
    }

    if (import.failed_whole()) {
      err_ << "no login could be imported, so " << client_.name << "'s configuration was not changed\n";
      return 1;
    }
    back_up(moved);
    for (const std::string& server : moved) {
      config_.blank_login(server);
    }
    if (options_.registries.empty()) {
      config_.set_store_helper(ours);
    }
    for (const std::string& registry : chosen_) {
      config_.set_registry_helper(registry, ours);
    }
    config_.save();
    out_ << client_.name << " keeps "
         << (options_.registries.empty() ? "all logins" : "the logins of the named registries")
         << " in the keyring now (" << config_.path().string() << ")\n";
    return import.complete() ? 0 : 1;
  }

  // What apply() or undo() would do.
  void preview() {
    if (options_.undo) {
      DockerConfigFile before(backup_path(config_.path()));
      for (const std::string& server : note_of(before).imported) {
        if (belongs_into_file(server)) {
          out_ << "would restore " << server << " to " << config_.path().string() << ", in plain text\n";
        }
      }
      out_ << client_.name << " would keep its logins as before (" << config_.path().string() << ")\n";
      return;
    }
    for (const Credential& login : config_.plain_logins(nullptr)) {
      if (concerned(login.login.server)) {
        out_ << (options_.import_logins ? "would import "
                                        : "would no longer be seen by " + std::string(client_.name) + ": ")
             << login.login.server << " (" << login.login.username << ") from " << config_.path().string() << '\n';
      }
    }
    for (const std::string& helper : former_helpers()) {
      out_ << (options_.import_logins ? "would import the logins"
                                      : std::string(client_.name) + " would no longer see the logins")
           << " that docker-credential-" << helper << " keeps\n";
    }
    out_ << client_.name << " would keep "
         << (options_.registries.empty() ? "all logins" : "the logins of the named registries") << " in the keyring ("
         << config_.path().string() << ")\n";
  }

  int undo() {
    const fs::path saved = backup_path(config_.path());
    DockerConfigFile before(saved);
    const Note note = note_of(before);
    bool changed = restore_logins(note.imported);
    if (config_.store_helper() == ours) {
      config_.set_store_helper(before.store_helper());
      changed = true;
    }
    for (const std::string& registry : config_.registries_with_helpers()) {
      if (config_.registry_helper(registry) == ours) {
        config_.set_registry_helper(registry, before.registry_helper(registry));
        changed = true;
      }
    }
    if (!changed) {
      fs::remove(saved);
      out_ << config_.path().string() << " does not use regsync\n";
      return 0;
    }
    config_.save();
    if (config_.empty() && note.created) {
      fs::remove(config_.path());
    }
    fs::remove(saved);
    out_ << client_.name << " keeps its logins as before (" << config_.path().string()
         << "); those in the keyring stay there\n";
    return 0;
  }

 private:
  // What a setup noted in its backup.
  struct Note {
    std::vector<std::string> imported;  // servers whose logins it moved
    bool created = false;               // it made the file
  };

  // A person can have edited the backup: what setup would not have written does not count.
  static Note note_of(DockerConfigFile& backup) {
    using nlohmann::ordered_json;
    Note note;
    const auto found = backup.document().find("regsync");
    if (found != backup.document().end() && found->is_object()) {
      for (const auto& server : found->value("imported", ordered_json::array())) {
        if (server.is_string()) {
          note.imported.push_back(server.get<std::string>());
        }
      }
      note.created = found->value("created", ordered_json(false)) == true;
    }
    return note;
  }

  [[nodiscard]] bool concerned(const std::string& server) const {
    // A registry with a helper of its own never was docker's to keep; an empty helper means docker's own file.
    return chosen_.empty() ? !config_.has_registry_entry(server) : chosen_.contains(RegistryKey(server).auths_key());
  }

  // The program that keeps the login of a registry now; empty: the file does.
  [[nodiscard]] std::string helper_of(const std::string& key) const {
    return (config_.has_registry_entry(key) ? config_.registry_helper(key) : config_.store_helper()).value_or("");
  }

  // Other programs whose logins the client would not see any more.
  [[nodiscard]] std::set<std::string> former_helpers() const {
    std::set<std::string> helpers;
    if (chosen_.empty()) {
      helpers.insert(config_.store_helper().value_or(""));
    }
    for (const std::string& key : chosen_) {
      helpers.insert(helper_of(key));
    }
    std::erase_if(helpers, [](const std::string& helper) {
      return helper.empty() || helper == ours || helper == shares_our_items;
    });
    return helpers;
  }

  void import_from(const std::string& helper, Import& import) {
    const std::string from = "docker-credential-" + helper;
    if (!is_on_path(from)) {
      err_ << "note: " << from << " is not on PATH, so its logins were not imported\n";
      return;
    }
    for (const Login& login : list_foreign_logins(from)) {
      if (!concerned(login.server) || helper_of(RegistryKey(login.server).auths_key()) != helper) {
        continue;
      }
      try {
        if (const auto credential = get_foreign_login(from, login.server)) {
          import.take(*credential, from);
        }
      } catch (const Error& error) {
        if (error.code() != ErrorCode::credential_plugin) {
          throw;
        }
        import.leave(login.server, error.message());
      }
    }
  }

  // The first backup is the one that undo goes back to; later ones only add to what was imported. It holds no login:
  // the secrets stay in docker's config or are in the keyring, and a copy would outlive `docker logout`.
  void back_up(const std::vector<std::string>& moved) {
    const fs::path path = backup_path(config_.path());
    const bool first = !fs::exists(path);
    DockerConfigFile backup(first ? config_.path() : path);
    backup.keep_helpers_only();
    auto& document = backup.document();
    for (const std::string& server : moved) {
      document["regsync"]["imported"].push_back(server);
    }
    if (first && !fs::exists(config_.path())) {
      document["regsync"]["created"] = true;
    }
    backup.save_copy(path);
  }

  // Whether the file is where docker will look for this login: no other helper was chosen for it since, and the file
  // has no newer one.
  [[nodiscard]] bool belongs_into_file(const std::string& server) const {
    std::optional<std::string> helper = config_.store_helper();
    for (const std::string& key : {server, RegistryKey(server).auths_key()}) {
      if (config_.has_registry_entry(key)) {
        helper = config_.registry_helper(key);
      }
    }
    const std::vector<Credential> present = config_.plain_logins();
    return (!helper || *helper == ours) &&
           std::ranges::none_of(present, [&](const Credential& login) { return login.login.server == server; });
  }

  // From the store, so that a password that was rotated since is the new one. Answers whether there was one.
  bool restore_logins(const std::vector<std::string>& imported) {
    if (std::ranges::none_of(imported, [this](const std::string& server) { return belongs_into_file(server); })) {
      return false;
    }
    bool any = false;
    const auto store = options_.open_store();
    for (const std::string& server : imported) {
      if (!belongs_into_file(server)) {
        continue;
      }
      if (auto kept = store->get(server)) {
        kept->login.server = server;
        config_.put_login(*kept);
        out_ << "restored " << server << " (" << kept->login.username << ") to " << config_.path().string() << "\n";
        any = true;
      }
    }
    return any;
  }

  const SetupOptions& options_;
  const Client client_;
  std::ostream& out_;
  std::ostream& err_;
  DockerConfigFile config_;
  std::set<std::string> chosen_;  // keys of credHelpers
};

// Docker, and helm where that is asked for or was set up. All files are read before one is changed.
std::list<Setup> setups(const SetupOptions& options, std::ostream& out, std::ostream& err) {
  std::list<Setup> all;
  all.emplace_back(options, docker(options), out, err);
  if (Client client = helm(); options.undo ? fs::exists(backup_path(client.config)) : options.helm) {
    all.emplace_back(options, std::move(client), out, err);
  }
  return all;
}

void preview(const SetupOptions& options, std::ostream& out, std::ostream& err) {
  if (!options.undo && options.headless) {
    out << "a keyring would be made, unless one is there\n";
  }
  for (Setup& setup : setups(options, out, err)) {
    setup.preview();
  }
  if (options.undo) {
    out << (is_set_up_for_containers() ? "podman, skopeo and buildah would keep logins as before\n" : "")
        << (has_user_manager() ? "enabled units would be disabled\n" : "");
    return;
  }
  out << (options.containers ? "podman, skopeo and buildah would keep logins in the keyring\n" : "")
      << (has_user_manager() ? "regsyncd would be enabled and started\n" : "regsyncd would not be started\n");
}

}  // namespace

int run_setup(const SetupOptions& options, std::ostream& out, std::ostream& err) {
  if (!options.undo) {
    require_helper_on_path();
  }
  if (options.dry_run) {
    preview(options, out, err);
    return 0;
  }
  int exit_code = 0;
  if (options.undo) {
    for (Setup& setup : setups(options, out, err)) {
      exit_code = std::max(exit_code, setup.undo());
    }
    disable_for_containers(out);
    disable_user_services(out);
    return exit_code;
  }
  std::list<Setup> all = setups(options, out, err);  // what cannot be used is told before a keyring is made
  if (options.headless) {
    prepare_headless_keyring(*options.open_store(), out);
  }
  for (Setup& setup : all) {
    exit_code = std::max(exit_code, setup.apply());
  }
  if (options.containers) {
    enable_for_containers(out);
  }
  enable_user_service(out);
  return exit_code;
}

}  // namespace regsync
