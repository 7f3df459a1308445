#include "sync/cli/setup/setup.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/guarded.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/setup/containers_config.hpp"
#include "sync/cli/setup/headless_keyring.hpp"
#include "sync/cli/setup/login_import.hpp"
#include "sync/cli/setup/setup_backup.hpp"
#include "sync/cli/setup/user_service.hpp"
#include "sync/logins/docker_config_file.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {
namespace {

namespace fs = std::filesystem;

// A program that keeps its logins in a file of Docker's format.
struct Client {
  std::string name;
  const char* login;  // the login command
  const char* logout;
  const char* setup;  // the command that makes it keep its logins in the keyring
  fs::path config;
};

Client docker(const SetupOptions& options) {
  return {"docker", "docker login", "docker logout", "regsync setup", options.docker_config};
}

Client helm() {
  return {"helm", "helm registry login", "helm registry logout", "regsync setup --helm", default_helm_config()};
}

// Returns the option for the same Docker config, for the advice to run `regsync setup` again.
std::string same_file(const SetupOptions& options) {
  return options.docker_config == default_docker_config()
             ? ""
             : " --docker-config " + shell_word(options.docker_config.string());
}

// Returns the login that the keyring would return for this server: one of exactly this name before other spellings;
// null if there is none.
const Login* find_login(const std::vector<Login>& logins, const std::string& server) {
  const Login* found = nullptr;
  for (const Login& login : logins) {
    if (RegistryKey(login.server) == RegistryKey(server) && (found == nullptr || login.server == server)) {
      found = &login;
    }
  }
  return found;
}

void require_helper_on_path() {
  if (!is_on_path("docker-credential-regsync")) {
    throw Error(ErrorCode::not_found,
                "docker-credential-regsync is not on PATH, so docker could not keep logins with it",
                "install regsync, or add the folder of docker-credential-regsync to PATH; nothing was changed");
  }
}

// Returns the literal keys of credHelpers by which clients look up a registry (docker/cli, cli/config/configfile). A
// pull uses the bare host in lower case, with each port that the image names, and for Docker Hub for the URL of its
// index; `docker login` stores the login under the host as typed, Hub's other names included, but not docker.io and
// that URL (registry.ConvertToHostname). Throws Error(invalid_input) for a registry for which docker stores no login.
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
  const std::string own = auths_key_of(registry);
  std::set<std::string> keys{own};
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string typed = registry.substr(begin, path == std::string::npos ? path : path - begin);
  if (typed != "docker.io" && registry != own) {
    keys.insert(typed);
  }
  return keys;
}

class Setup {
 public:
  Setup(const SetupOptions& options, Client client, std::ostream& out, std::ostream& err)
      : options_(options),
        client_(std::move(client)),
        out_(out),
        err_(err),
        config_(client_.config),
        backup_(client_.config) {
    for (const std::string& registry : options.registries) {
      chosen_.merge(keys_for_docker(registry));
    }
    config_.require_editable();
  }

  int apply() {
    const auto store = options_.open_store(Prompt::allowed);
    store->list();  // throws here if docker would fail later

    LoginImport import(*store, client_.name, client_.config.string(), out_, err_);
    for (const std::string& helper : former_helpers()) {  // the client calls them regardless of the file
      if (options_.import_logins) {
        import.take_all_of(helper, [&](const std::string& server) {
          return concerned(server) && helper_of(auths_key_of(server)) == helper;
        });
        continue;
      }
      say(err_, "note: " + client_.name + " will not see the logins that docker-credential-" + helper + " keeps" +
                    (chosen_.empty() ? "" : " for these registries") +
                    " any more; to copy them into the keyring: " + undo_command() + ", then " + command(" --import"));
    }
    std::vector<std::string> moved;
    std::vector<std::string> unreadable;
    for (const Credential& login : config_.plain_logins(&unreadable)) {
      if (!concerned(login.login.server)) {
        continue;
      }
      if (!options_.import_logins) {
        say(err_, "note: " + client_.name + " will not see the login of " + login.login.server + " that is in " +
                      config_.path().string() + " any more; to move it into the keyring: " + command(" --import"));
      } else if (import.take(login, config_.path().string())) {
        moved.push_back(login.login.server);
      }
    }
    if (options_.import_logins) {
      for (const std::string& server : unreadable) {
        if (concerned(server)) {
          import.leave(server, "its entry in " + config_.path().string() + " holds no user name and password");
        }
      }
    }

    if (import.failed_whole()) {
      err_ << "no login could be imported, so " << client_.name << "'s configuration was not changed\n";
    }
    tell_how_to_replace(import.refused(), !import.failed_whole() || uses_keyring());
    if (import.failed_whole()) {
      return 1;
    }
    backup_.add(config_, chosen_, moved);
    for (const std::string& server : moved) {
      config_.blank_login(server);
    }
    if (options_.registries.empty()) {
      config_.set_store_helper(our_helper);
    }
    for (const std::string& registry : chosen_) {
      config_.set_registry_helper(registry, our_helper);
    }
    config_.save();
    out_ << client_.name << " keeps "
         << (options_.registries.empty() ? "all logins" : "the logins of the named registries")
         << " in the keyring now (" << config_.path().string() << ")\n";
    return import.complete() ? 0 : 1;
  }

  // Prints what apply() would do.
  void preview() {
    const std::vector<Login> kept = options_.import_logins ? names_in_keyring() : std::vector<Login>();
    std::vector<std::string> refused;
    const std::set<std::string> helpers = former_helpers();
    bool any = !helpers.empty();
    const std::vector<Credential> logins = config_.plain_logins();
    std::map<RegistryKey, const Credential*> used;
    for (const Credential& login : logins) {
      if (!concerned(login.login.server)) {
        continue;
      }
      const Credential& first = *used.try_emplace(RegistryKey(login.login.server), &login).first->second;
      if (options_.import_logins && !is_same_login(first, login)) {
        say(out_, "would not import " + named(login.login) + ": " + uses_only(client_.name, first.login));
      } else if (preview_login(login.login, find_login(kept, login.login.server))) {
        any = true;
      } else {
        refused.push_back(login.login.server);
      }
    }
    for (const std::string& helper : helpers) {
      say(out_,
          (options_.import_logins ? "would import the logins" : client_.name + " would no longer see the logins") +
              " that docker-credential-" + helper + " keeps");
    }
    const bool would_fail = !refused.empty() && !any;
    if (would_fail) {
      out_ << "no login could be imported, so " << client_.name << "'s configuration would not be changed\n";
    } else {
      out_ << client_.name << " would keep "
           << (options_.registries.empty() ? "all logins" : "the logins of the named registries") << " in the keyring ("
           << config_.path().string() << ")\n";
    }
    tell_how_to_replace(refused, !would_fail || uses_keyring());
  }

  void preview_undo() {
    for (const std::string& server : backup_.note().imported) {
      if (belongs_into_file(server)) {
        say(out_, "would restore " + server + " to " + config_.path().string() + ", in plain text");
      }
    }
    out_ << client_.name << " would keep its logins as before (" << config_.path().string() << ")\n";
  }

  int undo() {
    const SetupBackup::Note note = backup_.note();
    bool changed = false;
    const std::vector<std::string> left = restore_logins(note.imported, changed);
    if (config_.store_helper() == our_helper) {
      config_.set_store_helper(backup_.store_helper());
      changed = true;
    }
    for (const std::string& registry : config_.registries_with_helpers()) {
      if (config_.registry_helper(registry) == our_helper) {
        config_.set_registry_helper(registry, backup_.registry_entry(registry));
        changed = true;
      }
    }
    if (changed) {
      config_.save();
      if (config_.empty() && note.created) {
        fs::remove(config_.path());
      }
      out_ << client_.name << " keeps its logins as before (" << config_.path().string()
           << "); those in the keyring stay there\n";
    } else {
      out_ << config_.path().string() << " does not use regsync\n";
    }
    if (!left.empty()) {
      backup_.keep({.imported = left, .created = note.created});
      err_ << "what was not restored stays in the keyring that has it; once that can be read: " << undo_command()
           << "\n";
      return 1;
    }
    backup_.remove();
    return 0;
  }

 private:
  // Returns the command that sets up the same client again for the same registries.
  [[nodiscard]] std::string command(const std::string& step = {}) const {
    std::string text = client_.setup + step;
    for (const std::string& registry : options_.registries) {
      text += " --registry " + shell_word(registry);
    }
    return text + same_file(options_);
  }

  [[nodiscard]] std::string undo_command() const { return "regsync setup --undo" + same_file(options_); }

  // For servers for which the keyring has another login. Until the client uses the keyring, its own login command still
  // writes to the file.
  void tell_how_to_replace(const std::vector<std::string>& servers, bool uses_the_keyring) {
    if (servers.empty()) {
      return;
    }
    std::vector<std::string> logins;
    for (const std::string& server : servers) {
      logins.push_back("`" + std::string(client_.login) + " " + shell_word(server) + "`");
    }
    say(err_, (uses_the_keyring ? "to replace what the keyring has: "
                                : "to use what the keyring has: `" + command() + "`; to replace it after that: ") +
                  join(logins));
  }

  // Returns the logins that are visible without unlocking the keyring.
  std::vector<Login> names_in_keyring() {
    std::vector<Login> names;
    const auto unseen = guarded([&] {
      for (KeptLogin& kept : options_.open_store(Prompt::never)->load({}).all) {
        names.push_back(std::move(kept.login));
      }
    });
    if (unseen && !options_.headless) {  // a headless setup would make one
      say(err_, "note: the logins of the keyring cannot be seen: " + describe(*unseen));
    }
    return names;
  }

  [[nodiscard]] std::string named(const Login& login) const {
    return login.server + " (" + login.username + ") from " + config_.path().string();
  }

  // Returns false if the keyring has a login that this one would replace.
  bool preview_login(const Login& login, const Login* kept) {
    const std::string what = named(login);
    if (!options_.import_logins) {
      say(out_, "would no longer be seen by " + client_.name + ": " + what);
      return true;
    }
    if (kept != nullptr && kept->username != login.username) {
      say(out_, "would not import " + what + ": " + has_another(*kept));
      return false;
    }
    say(out_, "would import " + what + (kept == nullptr ? "" : ", if the keyring has the same password there"));
    return true;
  }

  // Whether the client already keeps the logins of this setup in the keyring.
  [[nodiscard]] bool uses_keyring() const {
    return chosen_.empty() ? config_.store_helper() == our_helper
                           : std::ranges::all_of(chosen_, [&](const std::string& key) {
                               return config_.registry_helper(key) == our_helper;
                             });
  }

  [[nodiscard]] bool concerned(const std::string& server) const {
    // Docker does not keep the login of a registry with its own helper; an empty helper means docker's own file.
    const std::string key = auths_key_of(server);
    return chosen_.empty() ? !config_.has_registry_entry(server) && !config_.has_registry_entry(key)
                           : chosen_.contains(key);
  }

  // The helper that keeps the login of a registry now; empty: the file.
  [[nodiscard]] std::string helper_of(const std::string& key) const {
    return (config_.has_registry_entry(key) ? config_.registry_helper(key) : config_.store_helper()).value_or("");
  }

  // Other helpers whose logins the client would no longer see.
  [[nodiscard]] std::set<std::string> former_helpers() const {
    std::set<std::string> helpers;
    if (chosen_.empty()) {
      helpers.insert(config_.store_helper().value_or(""));
    }
    for (const std::string& key : chosen_) {
      helpers.insert(helper_of(key));
    }
    std::erase_if(helpers, [](const std::string& helper) { return helper.empty() || is_keyring_helper(helper); });
    return helpers;
  }

  // Whether to restore this login to the file: no other helper was chosen for it since, and the file has no newer
  // login.
  [[nodiscard]] bool belongs_into_file(const std::string& server) const {
    std::optional<std::string> helper = config_.store_helper();
    for (const std::string& key : {server, auths_key_of(server)}) {
      if (config_.has_registry_entry(key)) {
        helper = config_.registry_helper(key);
      }
    }
    const std::vector<Credential> present = config_.plain_logins();
    return (!helper || *helper == our_helper) &&
           std::ranges::none_of(present, [&](const Credential& login) { return login.login.server == server; });
  }

  // Restores from the store, which has a password that was rotated since. Returns the servers whose login the store did
  // not return; they stay in the store.
  std::vector<std::string> restore_logins(std::vector<std::string> imported, bool& changed) {
    std::erase_if(imported, [this](const std::string& server) { return !belongs_into_file(server); });
    if (imported.empty()) {
      return {};
    }
    std::unique_ptr<CredentialStore> store;
    if (const auto closed = guarded([&] {
          store = options_.open_store(Prompt::allowed);
          store->list();  // a locked store prompts once, not for each login
        })) {
      say(err_, "not restored: " + join(imported) + ": " + describe(*closed));
      return imported;
    }
    std::vector<std::string> left;
    for (const std::string& server : imported) {
      if (const auto problem = guarded([&] { changed = restore(*store, server) || changed; })) {
        say(err_, "not restored: " + server + ": " + describe(*problem));
        left.push_back(server);
      }
    }
    return left;
  }

  // Returns whether the login was restored. Throws Error(not_found) if the client still has an entry for it (a logout
  // removes that) but the store has no login, because it may be another keyring than at the import.
  bool restore(CredentialStore& store, const std::string& server) {
    auto kept = store.get(server);
    if (!kept) {
      const std::vector<std::string> entries = config_.blank_entries();
      if (std::ranges::find(entries, server) == entries.end()) {
        return false;
      }
      throw Error(ErrorCode::not_found, "the keyring has no login there now",
                  "if another keyring has it, let that one answer; if none has: " + std::string(client_.logout) + " " +
                      shell_word(server));
    }
    kept->login.server = server;
    config_.put_login(*kept);
    say(out_, "restored " + server + " (" + kept->login.username + ") to " + config_.path().string());
    return true;
  }

  const SetupOptions& options_;
  const Client client_;
  std::ostream& out_;
  std::ostream& err_;
  DockerConfigFile config_;
  SetupBackup backup_;
  std::set<std::string> chosen_;  // keys of credHelpers
};

// Whether both paths name one file, which need not exist.
bool is_one_file(const fs::path& one, const fs::path& other) {
  std::error_code unreadable;
  return fs::weakly_canonical(fs::absolute(one), unreadable) == fs::weakly_canonical(fs::absolute(other), unreadable);
}

// Returns the setups of Docker and, if requested or already set up, of helm if it has its own file. Reads all files
// before any is changed.
std::list<Setup> setups(const SetupOptions& options, std::ostream& out, std::ostream& err) {
  std::list<Setup> all;
  all.emplace_back(options, docker(options), out, err);
  if (Client client = helm(); !is_one_file(client.config, options.docker_config) &&
                              (options.undo ? SetupBackup::exists(client.config) : options.helm)) {
    all.emplace_back(options, std::move(client), out, err);
  }
  return all;
}

void preview(const SetupOptions& options, std::ostream& out, std::ostream& err) {
  if (!options.undo && options.headless) {
    out << "a keyring would be made, unless one is there\n";
  }
  for (Setup& setup : setups(options, out, err)) {
    options.undo ? setup.preview_undo() : setup.preview();
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
  std::list<Setup> all = setups(options, out, err);  // reports unusable files before a keyring is made
  if (options.headless) {
    prepare_headless_keyring(*options.open_store(Prompt::allowed), out);
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

}  // namespace regsync::cli
