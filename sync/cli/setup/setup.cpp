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
#include "helper/base/guarded.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/setup/containers_config.hpp"
#include "sync/cli/setup/foreign_helper.hpp"
#include "sync/cli/setup/headless_keyring.hpp"
#include "sync/cli/setup/user_service.hpp"
#include "sync/logins/credential_helpers.hpp"
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
  std::string name;
  const char* login;  // the command that logs in
  const char* setup;  // the one that makes it keep its logins in the keyring
  fs::path config;
};

Client docker(const SetupOptions& options) {
  return {"docker", "docker login", "regsync setup", options.docker_config};
}

Client helm() { return {"helm", "helm registry login", "regsync setup --helm", default_helm_config()}; }

// For the advice to run `regsync setup` again: on the same file of Docker's.
std::string same_file(const SetupOptions& options) {
  return options.docker_config == default_docker_config()
             ? ""
             : " --docker-config " + shell_word(options.docker_config.string());
}

// A line about names that files and other helpers give: they may hold anything.
void say(std::ostream& out, const std::string& line) { out << one_line(line) << '\n'; }

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

// What the keyring would answer for this server: a login of exactly this name before another spelling.
const Login* find_login(const std::vector<Login>& logins, const std::string& server) {
  const Login* found = nullptr;
  for (const Login& login : logins) {
    if (RegistryKey(login.server) == RegistryKey(server) && (found == nullptr || login.server == server)) {
      found = &login;
    }
  }
  return found;
}

std::string has_another(const Login& kept) { return "the keyring has another login there (" + kept.username + ")"; }

class Import {
 public:
  Import(CredentialStore& store, const Client& client, std::ostream& out, std::ostream& err)
      : store_(store), client_(client), out_(out), err_(err) {}

  // Whether the store has it now, read back and equal.
  bool take(const Credential& login, const std::string& from) {
    try {
      if (const auto kept = store_.get(login.login.server); kept && !same(*kept, login)) {
        refused_.push_back(login.login.server);
        return leave(login.login.server, has_another(kept->login));
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
    say(out_, "imported " + login.login.server + " (" + login.login.username + ") from " + from);
    any_ = true;
    return true;
  }

  bool leave(const std::string& server, const std::string& reason) {
    say(err_, "not imported: " + server + ": " + reason);
    complete_ = false;
    return false;
  }

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool failed_whole() const { return !complete_ && !any_; }
  // The servers for which the keyring has another login.
  [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }

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
  std::vector<std::string> refused_;
};

class Setup {
 public:
  Setup(const SetupOptions& options, Client client, std::ostream& out, std::ostream& err)
      : options_(options),
        client_(std::move(client)),
        out_(out),
        err_(err),
        config_(client_.config),
        backup_(backup_path(client_.config)) {
    for (const std::string& registry : options.registries) {
      chosen_.merge(keys_for_docker(registry));
    }
    config_.require_editable();
  }

  int apply() {
    const auto store = options_.open_store(Prompt::allowed);
    store->list();  // throws where docker would fail later

    Import import(*store, client_, out_, err_);
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
    for (const std::string& helper : options_.import_logins ? std::set<std::string>() : former_helpers()) {
      say(err_, "note: " + client_.name + " will not see the logins that docker-credential-" + helper + " keeps" +
                    (chosen_.empty() ? "" : " for these registries") +
                    " any more; to copy them into the keyring: " + undo_command() + ", then " + command(" --import"));
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
    }
    tell_how_to_replace(import.refused(), !import.failed_whole() || uses_keyring());
    if (import.failed_whole()) {
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

  // What apply() would do.
  void preview() {
    const std::vector<Login> kept = options_.import_logins ? names_in_keyring() : std::vector<Login>();
    std::vector<std::string> refused;
    const std::set<std::string> helpers = former_helpers();
    bool any = !helpers.empty();
    for (const Credential& login : config_.plain_logins(nullptr)) {
      if (!concerned(login.login.server)) {
        continue;
      }
      if (preview_login(login.login, find_login(kept, login.login.server))) {
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
    for (const std::string& server : note_of(backup_).imported) {
      if (belongs_into_file(server)) {
        say(out_, "would restore " + server + " to " + config_.path().string() + ", in plain text");
      }
    }
    out_ << client_.name << " would keep its logins as before (" << config_.path().string() << ")\n";
  }

  int undo() {
    const Note note = note_of(backup_);
    bool changed = false;
    const std::vector<std::string> left = restore_logins(note.imported, changed);
    if (config_.store_helper() == ours) {
      config_.set_store_helper(backup_.store_helper());
      changed = true;
    }
    for (const std::string& registry : config_.registries_with_helpers()) {
      if (config_.registry_helper(registry) == ours) {
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
      write_note(backup_, {.imported = left, .created = note.created});
      backup_.save_copy(backup_.path());
      err_ << "what was not restored stays in the keyring; once that can be read: " << undo_command() << "\n";
      return 1;
    }
    fs::remove(backup_.path());
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

  static void write_note(DockerConfigFile& backup, const Note& note) {
    auto& document = backup.document();
    document.erase("regsync");
    if (!note.imported.empty()) {
      document["regsync"]["imported"] = note.imported;
    }
    if (note.created) {
      document["regsync"]["created"] = true;
    }
  }

  // The command that sets up the same client again, for the same registries.
  [[nodiscard]] std::string command(const std::string& step = {}) const {
    std::string text = client_.setup + step;
    for (const std::string& registry : options_.registries) {
      text += " --registry " + shell_word(registry);
    }
    return text + same_file(options_);
  }

  [[nodiscard]] std::string undo_command() const { return "regsync setup --undo" + same_file(options_); }

  // For servers for which the keyring has another login. Before the client uses the keyring, its own command to log in
  // writes to the file again.
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

  // What can be seen without asking the person to unlock it.
  std::vector<Login> names_in_keyring() {
    std::vector<Login> names;
    const auto unseen = guarded([&] {
      for (KeptLogin& kept : options_.open_store(Prompt::never)->load({}).all) {
        names.push_back(std::move(kept.login));
      }
    });
    if (unseen && !options_.headless) {  // else one would be made
      say(err_, "note: the logins of the keyring cannot be seen: " + describe(*unseen));
    }
    return names;
  }

  // Answers false where the keyring has a login that this one would have to replace.
  bool preview_login(const Login& login, const Login* kept) {
    const std::string what = login.server + " (" + login.username + ") from " + config_.path().string();
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

  // Whether the client keeps the logins that this setup is for in the keyring already.
  [[nodiscard]] bool uses_keyring() const {
    return chosen_.empty() ? config_.store_helper() == ours : std::ranges::all_of(chosen_, [&](const std::string& key) {
      return config_.registry_helper(key) == ours;
    });
  }

  // Whether a setup switched anything, and no undo switched it back.
  [[nodiscard]] bool in_force() const {
    const std::vector<std::string> registries = config_.registries_with_helpers();
    return config_.store_helper() == ours || std::ranges::any_of(registries, [&](const std::string& registry) {
             return config_.registry_helper(registry) == ours;
           });
  }

  [[nodiscard]] bool concerned(const std::string& server) const {
    // A registry with a helper of its own never was docker's to keep; an empty helper means docker's own file.
    const std::string key = RegistryKey(server).auths_key();
    return chosen_.empty() ? !config_.has_registry_entry(server) && !config_.has_registry_entry(key)
                           : chosen_.contains(key);
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
    if (!is_helper_name(helper)) {
      say(err_,
          "note: \"" + helper + "\" is a path, not the name of a credential helper, so its logins were not imported");
      return;
    }
    const std::string from = "docker-credential-" + helper;
    if (!is_on_path(from)) {
      say(err_, "note: " + from + " is not on PATH, so its logins were not imported");
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

  // The first backup is the one that undo goes back to; later ones add what was imported, and the helpers that they
  // take the place of. It holds no login: the secrets stay in docker's config or are in the keyring, and a copy would
  // outlive `docker logout`.
  void back_up(const std::vector<std::string>& moved) {
    // Where nothing is in force, an undo left the one that is there, for logins that it could not restore.
    const bool first = backup_.is_blank() || !in_force();
    Note note = note_of(backup_);
    for (const std::string& server : moved) {
      if (std::ranges::find(note.imported, server) == note.imported.end()) {
        note.imported.push_back(server);
      }
    }
    if (first) {
      note.created = !fs::exists(config_.path());
    }
    DockerConfigFile written(first ? config_.path() : backup_.path());
    written.keep_helpers_only();
    note_replaced_helpers(written);
    write_note(written, note);
    written.save_copy(backup_.path());
  }

  // Another program may have chosen them since the setup before.
  void note_replaced_helpers(DockerConfigFile& backup) const {
    if (chosen_.empty() && config_.store_helper() != ours) {
      backup.set_store_helper(config_.store_helper());
    }
    for (const std::string& registry : chosen_) {
      if (config_.registry_helper(registry) != ours) {
        backup.set_registry_helper(registry, config_.registry_entry(registry));
      }
    }
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

  // From the store, so that a password that was rotated since is the new one. Answers which ones the store does not
  // give now; it goes on having them.
  std::vector<std::string> restore_logins(std::vector<std::string> imported, bool& changed) {
    std::erase_if(imported, [this](const std::string& server) { return !belongs_into_file(server); });
    if (imported.empty()) {
      return {};
    }
    std::unique_ptr<CredentialStore> store;
    if (const auto closed = guarded([&] {
          store = options_.open_store(Prompt::allowed);
          store->list();  // a locked one asks the person once, not for each login
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

  // Whether the store has a login there.
  bool restore(CredentialStore& store, const std::string& server) {
    auto kept = store.get(server);
    if (!kept) {
      return false;
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
  DockerConfigFile backup_;
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
  std::list<Setup> all = setups(options, out, err);  // what cannot be used is told before a keyring is made
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

}  // namespace regsync
