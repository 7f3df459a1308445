#include "sync/logins/docker_config_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/secret_string.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/bounded_json.hpp"
#include "sync/base/paths.hpp"
#include "sync/model/docker_config_json.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;
using Document = nlohmann::ordered_json;

constexpr std::size_t max_config_bytes = 2UL * 1024 * 1024;

// The members that are read here, as spelled by docker.
constexpr std::array<std::string_view, 3> document_members{"auths", "credsStore", "credHelpers"};
constexpr std::array<std::string_view, 5> entry_members{"auth", "username", "password", "identitytoken",
                                                        "registrytoken"};

// The members that hold a login's secret (docker/cli, cli/config/types/authconfig.go). Not "registrytoken", which
// docker reads from the file whichever helper keeps the login (nativeStore.Get).
constexpr std::array secret_members{"auth", "password", "identitytoken"};

// The tree keeps its members in order and searches them linearly: many members with long names would take hours. And
// printing it recurses.
constexpr JsonBounds bounds{.bytes = max_config_bytes, .depth = 50, .values = 5'000};

void check_bounds(const fs::path& path, std::string_view text) {
  try {
    end_of_value(text, std::min(text.find_first_not_of(" \n\r\t"), text.size()), bounds);
  } catch (const Error& error) {
    throw Error(ErrorCode::invalid_input, path.string() + " " + error.message(), "correct it; nothing was changed");
  }
}

void require_object(const fs::path& path, std::string_view bytes) {
  check_bounds(path, bytes);
  bool is_object = false;
  const auto note_root = [&](int depth, Document::parse_event_t event, const Document&) {
    is_object = is_object || (depth == 0 && event == Document::parse_event_t::object_start);
    return false;  // build no tree
  };
  try {
    [[maybe_unused]] const Document none = Document::parse(bytes, note_root);
    if (is_object) {
      return;
    }
  } catch (const Document::parse_error& error) {
    // Not what(), which quotes the file and so may contain a password.
    throw Error(ErrorCode::invalid_input,
                path.string() + " is not valid JSON (error at byte " + std::to_string(error.byte) + ")",
                "correct it; nothing was changed");
  } catch (const Document::out_of_range&) {
    throw Error(ErrorCode::invalid_input, path.string() + " is not valid JSON: a number is too large",
                "correct it; nothing was changed");
  }
  throw Error(ErrorCode::invalid_input, path.string() + " is not a JSON object", "correct it; nothing was changed");
}

// The members of an object as written in its text. The tree would change the length of numbers, and keep only one value
// per name.
std::vector<JsonMember> members_in(std::string_view text) { return members_of(text, bounds); }

// A member's name as spelled by docker.
std::string known_name(const std::string& name, std::span<const std::string_view> known) {
  const std::string lowered = to_lower(name);
  const auto found = std::ranges::find_if(known, [&](std::string_view other) { return to_lower(other) == lowered; });
  return found == known.end() ? name : std::string(*found);
}

// Builds the tree that Docker's clients and kubelet get from Go's encoding/json: names are case-insensitive; of
// duplicate names, two tables are merged, and for anything else the last value that is not null counts.
class Decoder {
 public:
  Document document(std::string_view text) {
    Document document = Document::object();
    for (const auto& [name, value] : members_in(text)) {
      const std::string known = known_name(name, document_members);
      note(document, known, "");
      if (known == "auths" || known == "credHelpers") {
        add_table(document[known], value, known);
      } else {
        set(document, known, value);
      }
    }
    return document;
  }

  // Reads the whole document as the table of logins.
  Document document_of_logins(std::string_view text) {
    Document document = Document::object();
    add_table(document["auths"], text.substr(text.find('{')), "auths");
    return document;
  }

  // The first name that occurs twice: "\"auths\"", "\"ghcr.io\" of \"auths\"".
  [[nodiscard]] const std::optional<std::string>& repeated() const { return repeated_; }

 private:
  void note(const Document& object, const std::string& name, const std::string& of) {
    if (!repeated_ && object.contains(name)) {
      repeated_ = '"' + name + '"' + (of.empty() ? "" : " of \"" + of + '"');
    }
  }

  // Null does not replace an existing value.
  static void set(Document& object, const std::string& name, std::string_view value) {
    if (value != "null" || !object.contains(name)) {
      object[name] = Document::parse(value);
    }
  }

  void add_table(Document& table, std::string_view text, const std::string& name) {
    if (!text.starts_with('{')) {
      table = Document::parse(text);
      return;
    }
    if (!table.is_object()) {
      table = Document::object();
    }
    for (const auto& [key, value] : members_in(text)) {
      note(table, key, name);
      table[key] = name == "auths" && value.starts_with('{') ? entry(value, key) : Document::parse(value);
    }
  }

  Document entry(std::string_view text, const std::string& key) {
    Document entry = Document::object();
    for (const auto& [name, value] : members_in(text)) {
      const std::string known = known_name(name, entry_members);
      note(entry, known, key);
      set(entry, known, value);
    }
    return entry;
  }

  std::optional<std::string> repeated_;
};

// Whether the text has the form of `.dockercfg`: the bare table of logins.
bool holds_a_table_of_logins(const fs::path& path, std::string_view text) {
  const std::vector<JsonMember> members = members_in(text);
  const bool known = std::ranges::any_of(members, [](const JsonMember& member) {
    const std::string name = known_name(member.name, document_members);
    return std::ranges::find(document_members, name) != document_members.end() || to_lower(name) == "httpheaders";
  });
  return !known && (path.filename() == ".dockercfg" || std::ranges::all_of(members, [](const JsonMember& member) {
                      return member.value.starts_with('{');
                    }));
}

// Formats a member of the document as docker does.
std::string printed(const Document& value) {
  std::string text;
  for (const char c : value.dump(1, '\t')) {
    text += c;
    if (c == '\n') {
      text += '\t';
    }
  }
  return text;
}

std::optional<fs::path> from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::optional<fs::path>(value) : std::nullopt;
}

std::string text_member(const Document& object, const char* name) {
  if (!object.is_object()) {
    return {};
  }
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// The login of one entry of "auths", as docker reads it (LoadFromReader, decodeAuth); for_kubelet: as kubelet does,
// which also accepts base64 without padding.
std::optional<Credential> login_of(const std::string& server, const Document& entry, bool for_kubelet) {
  std::string token = text_member(entry, "identitytoken");
  const WipedAtEnd wiped_token(token);
  if (!token.empty()) {
    return Credential{{server, "<token>"}, SecretString(token)};
  }
  std::string username = text_member(entry, "username");
  std::string password = text_member(entry, "password");
  const WipedAtEnd wiped_password(password);
  std::string auth = text_member(entry, "auth");
  const WipedAtEnd wiped_auth(auth);
  if (!auth.empty()) {
    auto decoded = base64_decode(for_kubelet ? base64_padded(auth) : auth);
    if (!decoded) {
      return std::nullopt;
    }
    const WipedAtEnd wiped_text(*decoded);
    const auto colon = decoded->find(':');
    if (colon == std::string::npos) {
      return std::nullopt;
    }
    username = decoded->substr(0, colon);
    password.assign(*decoded, colon + 1);
    password.erase(password.find_last_not_of('\0') + 1);  // as docker does
  }
  if (username.empty() || password.empty()) {
    return std::nullopt;
  }
  return Credential{{server, username}, SecretString(password)};
}

bool has_secret(const Document& entry, DockerConfigFile::Form form) {
  const auto has = [&entry](const char* member) { return !text_member(entry, member).empty(); };
  // Also true for a registry token, which kubelet ignores, so that the user learns of it.
  return std::ranges::any_of(secret_members, has) ||
         (form == DockerConfigFile::Form::login_file && has("registrytoken"));
}

}  // namespace

fs::path default_docker_config() {
  const auto folder = from_environment("DOCKER_CONFIG");
  return (folder ? *folder : paths::home() / ".docker") / "config.json";
}

fs::path default_helm_config() {
  if (auto file = from_environment("HELM_REGISTRY_CONFIG")) {
    return *file;
  }
  if (auto folder = from_environment("HELM_CONFIG_HOME")) {
    return *folder / "registry/config.json";
  }
  const auto folder = from_environment("XDG_CONFIG_HOME");
  return (folder ? *folder : paths::home() / ".config") / "helm/registry/config.json";
}

bool is_keyring_helper(const std::string& name) { return name == our_helper || name == "secretservice"; }

DockerConfigFile::DockerConfigFile(fs::path path, Form form)
    : path_(std::move(path)),
      form_(form),
      original_(read_file_if_exists(path_, max_config_bytes)),
      document_(std::make_unique<Document>(Document::object())) {
  if (is_blank()) {
    return;
  }
  require_object(path_, *original_);
  Decoder decoder;
  is_table_ = form_ == Form::login_file && holds_a_table_of_logins(path_, *original_);
  *document_ = is_table_ ? decoder.document_of_logins(*original_) : decoder.document(*original_);
  repeated_ = decoder.repeated();
}

DockerConfigFile::~DockerConfigFile() = default;

std::optional<std::string> DockerConfigFile::store_helper() const {
  std::string helper = text_member(*document_, "credsStore");
  return helper.empty() ? std::nullopt : std::optional(std::move(helper));
}

std::optional<std::string> DockerConfigFile::registry_helper(const std::string& registry) const {
  const auto helpers = document_->find("credHelpers");
  if (helpers == document_->end() || !helpers->is_object()) {
    return std::nullopt;
  }
  std::string helper = text_member(*helpers, registry.c_str());
  return helper.empty() ? std::nullopt : std::optional(std::move(helper));
}

bool DockerConfigFile::has_registry_entry(const std::string& registry) const {
  const auto helpers = document_->find("credHelpers");
  return helpers != document_->end() && helpers->is_object() && helpers->contains(registry);
}

std::optional<std::string> DockerConfigFile::registry_entry(const std::string& registry) const {
  return has_registry_entry(registry) ? std::optional(registry_helper(registry).value_or("")) : std::nullopt;
}

void DockerConfigFile::require_editable() const {
  if (repeated_) {  // an edit would lose one of the two
    throw Error(ErrorCode::invalid_input,
                *repeated_ + " is twice in " + path_.string() + " (capital and small letters are the same)",
                "correct it; nothing was changed");
  }
  // docker's decoder treats null like a missing value
  const auto require = [&](const Document& value, bool fits, const std::string& name, const char* type) {
    if (!fits && !value.is_null()) {
      throw Error(ErrorCode::invalid_input, name + " in " + path_.string() + " is not " + type,
                  "correct it; nothing was changed");
    }
  };
  const auto require_table = [&](const char* name, bool of_text) {
    const auto table = document_->find(name);
    if (table == document_->end()) {
      return;
    }
    require(*table, table->is_object(), std::string("\"") + name + '"', "an object");
    for (const auto& [key, value] : table->items()) {
      require(value, of_text ? value.is_string() : value.is_object(), "\"" + key + "\" of \"" + name + '"',
              of_text ? "a text" : "an object");
    }
  };
  if (const auto store = document_->find("credsStore"); store != document_->end()) {
    require(*store, store->is_string(), "\"credsStore\"", "a text");
  }
  require_table("credHelpers", /*of_text=*/true);
  require_table("auths", /*of_text=*/false);
}

std::vector<std::string> DockerConfigFile::registries_with_helpers() const {
  std::vector<std::string> registries;
  if (const auto helpers = document_->find("credHelpers"); helpers != document_->end() && helpers->is_object()) {
    for (const auto& [registry, helper] : helpers->items()) {
      registries.push_back(registry);
    }
  }
  return registries;
}

bool DockerConfigFile::uses(const std::string& helper) const {
  const std::vector<std::string> registries = registries_with_helpers();
  return store_helper() == helper ||
         std::ranges::any_of(registries, [&](const std::string& each) { return registry_helper(each) == helper; });
}

std::map<std::string, std::string> DockerConfigFile::foreign_helpers() const {
  std::map<std::string, std::string> helpers;
  const auto table = document_->find("credHelpers");
  if (table == document_->end() || !table->is_object()) {
    return helpers;
  }
  for (const auto& [registry, helper] : table->items()) {
    const std::string name = helper.is_string() ? helper.get<std::string>() : std::string();
    if (!name.empty() && name != our_helper) {
      helpers[registry] = name;
    }
  }
  return helpers;
}

void DockerConfigFile::set_store_helper(const std::optional<std::string>& helper) {
  if (helper) {
    (*document_)["credsStore"] = *helper;
  } else {
    document_->erase("credsStore");
  }
}

void DockerConfigFile::set_registry_helper(const std::string& registry, const std::optional<std::string>& helper) {
  if (helper) {
    (*document_)["credHelpers"][registry] = *helper;
  } else if (const auto helpers = document_->find("credHelpers"); helpers != document_->end() && helpers->is_object()) {
    helpers->erase(registry);
    if (helpers->empty()) {
      document_->erase("credHelpers");
    }
  }
}

std::vector<Credential> DockerConfigFile::plain_logins(std::vector<std::string>* unreadable) const {
  std::vector<Credential> logins;
  const auto auths = document_->find("auths");
  if (auths == document_->end() || !auths->is_object()) {
    return logins;
  }
  for (const auto& [server, entry] : auths->items()) {
    if (!has_secret(entry, form_) && (entry.is_object() || entry.is_null())) {
      continue;
    }
    if (auto login = login_of(server, entry, form_ == Form::login_file)) {
      logins.push_back(std::move(*login));
    } else if (unreadable != nullptr) {
      unreadable->push_back(server);
    }
  }
  std::ranges::stable_partition(logins, RegistryKey::is_auths_key,
                                [](const Credential& each) { return each.login.server; });
  return logins;
}

std::vector<std::string> DockerConfigFile::blank_entries() const {
  std::vector<std::string> servers;
  if (const auto auths = document_->find("auths"); auths != document_->end() && auths->is_object()) {
    for (const auto& [server, entry] : auths->items()) {
      if (entry.is_object() && !has_secret(entry, form_)) {
        servers.push_back(server);
      }
    }
  }
  return servers;
}

bool DockerConfigFile::has_odd_auths() const {
  const auto auths = document_->find("auths");
  return auths != document_->end() && !auths->is_object() && !auths->is_null();
}

void DockerConfigFile::blank_login(const std::string& server) {
  const auto auths = document_->find("auths");
  if (auths == document_->end() || !auths->is_object() || !auths->contains(server)) {
    return;
  }
  Document& entry = (*auths)[server];
  if (!entry.is_object()) {
    return;
  }
  for (const char* member : secret_members) {
    entry.erase(member);
  }
  entry.erase("username");
}

void DockerConfigFile::keep_helpers_only() {
  Document kept = Document::object();
  for (const char* name : {"credsStore", "credHelpers"}) {
    if (const auto member = document_->find(name); member != document_->end()) {
      kept[name] = *member;
    }
  }
  *document_ = std::move(kept);
}

void DockerConfigFile::put_login(const Credential& login) {
  Document& entry = (*document_)["auths"][login.login.server];
  if (login.login.username == "<token>") {
    entry["identitytoken"] = login.secret.reveal();
  } else {
    entry["auth"] = auth_of(login.login.username, login.secret).reveal();
  }
}

bool DockerConfigFile::is_blank() const {
  const std::string_view text = original_ ? trim(*original_) : "";
  return text.empty() || text == "null";  // null has no effect in Go
}

bool DockerConfigFile::empty() const { return document_->empty(); }

std::string DockerConfigFile::text() const {
  std::map<std::string, std::string_view> members;
  Document before = Document::object();
  if (!is_blank()) {
    before = Decoder().document(*original_);
    for (const auto& [name, value] : members_in(*original_)) {
      members.insert_or_assign(known_name(name, document_members), value);
    }
  }
  std::string text = "{";  // docker's own layout
  for (const auto& [name, value] : document_->items()) {
    const auto kept = before.find(name);
    text += (text.size() == 1 ? "\n\t" : ",\n\t") + Document(name).dump() + ": ";
    text += kept != before.end() && *kept == value ? std::string(members.at(name)) : printed(value);
  }
  text += text.size() == 1 ? "}" : "\n}";
  if (original_ && original_->ends_with('\n')) {
    text += '\n';
  }
  return text;
}

void DockerConfigFile::save() {
  if (read_file_if_exists(path_, max_config_bytes) != original_) {
    throw Error(ErrorCode::stale, path_.string() + " was changed by another program meanwhile; it was left alone",
                "run the command again");
  }
  struct stat status{};
  const unsigned mode = stat(path_.c_str(), &status) == 0 ? status.st_mode & 07777U : 0600U;
  std::string written = text();
  write_whole(path_, written, mode);
  original_ = std::move(written);
}

void DockerConfigFile::save_copy(const fs::path& path) const { write_whole(path, text(), 0600); }

}  // namespace regsync
