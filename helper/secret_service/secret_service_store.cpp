#include "helper/secret_service/secret_service_store.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "helper/secret_service/secret_service_client.hpp"

namespace regsync {
namespace {

constexpr const char* service_interface = "org.freedesktop.Secret.Service";
constexpr const char* collection_interface = "org.freedesktop.Secret.Collection";
constexpr const char* item_interface = "org.freedesktop.Secret.Item";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr const char* schema = "io.docker.Credentials";

// How often a login that is replaced while we read it is looked for again.
constexpr int max_attempts = 5;

BusCall open_session_call() {
  return {secret_service_path, service_interface, "OpenSession", arguments("sv", "plain", "s", "")};
}

// Never a call to /org/freedesktop/secrets/aliases/default: gnome-keyring (42.1) looks that alias up on another thread
// than ReadAlias, and now and then one of the two answers freed memory.
BusCall read_default_call() { return {secret_service_path, service_interface, "ReadAlias", arguments("s", "default")}; }

BusCall collection_locked_call(const std::string& collection) {
  return {collection, properties_interface, "Get", arguments("ss", collection_interface, "Locked")};
}

BusCall item_property_call(const std::string& path, const char* name) {
  return {path, properties_interface, "Get", arguments("ss", item_interface, name)};
}

// The items of our schema; those of one server, or all.
BusCall search_call(const std::string* server) {
  return {secret_service_path, service_interface, "SearchItems",
          server != nullptr ? arguments("a{ss}", 2, "xdg:schema", schema, "server", *server)
                            : arguments("a{ss}", 1, "xdg:schema", schema)};
}

const BusMessagePtr& value_of(const BusReply& reply) {
  if (reply.error) {
    throw secret_service_error(*reply.error);
  }
  return reply.value;
}

// The answer of OpenSession.
std::string session_of(sd_bus_message* answer) {
  understood(sd_bus_message_skip(answer, "v"));
  return read_path(answer);
}

// Answers of Properties.Get.
bool boolean_property(sd_bus_message* answer) {
  int value = 0;
  read_from(answer, "v", "b", &value);
  return value != 0;
}

std::uint64_t number_property(sd_bus_message* answer) {
  std::uint64_t value = 0;
  read_from(answer, "v", "t", &value);
  return value;
}

// From the answer for an item's Attributes.
Login login_of(sd_bus_message* answer) {
  Login login;
  understood(sd_bus_message_enter_container(answer, 'v', "a{ss}"));
  understood(sd_bus_message_enter_container(answer, 'a', "{ss}"));
  const char* key = nullptr;
  const char* value = nullptr;
  while (read_from(answer, "{ss}", &key, &value)) {
    if (key == std::string_view("server")) {
      login.server = value;
    } else if (key == std::string_view("username")) {
      login.username = value;
    }
  }
  return login;
}

// From the answer of GetSecret: (session, parameters, value, content type).
SecretString secret_of(sd_bus_message* answer) {
  sd_bus_message_sensitive(answer);  // wiped when it is freed
  const void* bytes = nullptr;
  std::size_t size = 0;
  understood(sd_bus_message_enter_container(answer, 'r', "oayays"));
  understood(sd_bus_message_skip(answer, "oay"));
  understood(sd_bus_message_read_array(answer, 'y', &bytes, &size));
  return SecretString({static_cast<const char*>(bytes), size});
}

// The result of a call that the service delays until the person consents.
BusMessagePtr consent(SecretServiceClient& bus, Prompt prompt, const std::string& prompt_path,
                      const std::string& purpose) {
  BusMessagePtr result = prompt == Prompt::allowed ? bus.prompt(prompt_path) : nullptr;
  if (!result) {
    throw Error(ErrorCode::locked, "the keyring asked for consent to " + purpose + ", and got none",
                "answer its prompt, or unlock it first");
  }
  return result;
}

}  // namespace

SecretServiceStore::SecretServiceStore(Prompt prompt, int cancel_fd) : prompt_(prompt), cancel_fd_(cancel_fd) {}

SecretServiceStore::~SecretServiceStore() = default;

SecretServiceClient& SecretServiceStore::bus() {
  if (bus_ && !bus_->alive()) {
    bus_.reset();
    session_.clear();
  }
  if (!bus_) {
    bus_ = std::make_unique<SecretServiceClient>(cancel_fd_);
  }
  return *bus_;
}

SecretServiceStore::Found SecretServiceStore::find() {
  std::vector<BusCall> questions{
      search_call(nullptr),
      read_default_call(),
      {"/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner", arguments("s", secret_service_name),
       "org.freedesktop.DBus"},
  };
  if (session_.empty()) {  // most callers need one next, and here it costs no round trip
    questions.push_back(open_session_call());
  }
  const auto answers = bus().call_all(questions);
  std::string owner = answers[2].value ? read_string(answers[2].value.get()) : "";
  if (answers.size() > 3) {
    session_ = session_of(value_of(answers[3]).get());
  } else if (owner != session_owner_) {
    session_.clear();  // a session ends with its service
  }
  session_owner_ = std::move(owner);
  const std::vector<std::string> unlocked = read_paths(value_of(answers[0]).get());
  const std::vector<std::string> locked = read_paths(answers[0].value.get());

  Found found;
  found.collection = read_path(value_of(answers[1]).get());
  if (found.collection == "/") {
    found.collection.clear();
    return found;
  }
  std::vector<BusCall> calls{collection_locked_call(found.collection)};
  for (const auto* paths : {&unlocked, &locked}) {
    for (const std::string& path : *paths) {
      calls.push_back(item_property_call(path, "Attributes"));
    }
  }
  const auto replies = bus().call_all(calls);
  found.collection_locked = boolean_property(value_of(replies[0]).get());
  std::vector<std::string> vanished;
  for (std::size_t i = 0; i + 1 < replies.size(); ++i) {
    const BusReply& reply = replies[i + 1];
    const bool is_locked = i >= unlocked.size();
    const std::string& path = is_locked ? locked[i - unlocked.size()] : unlocked[i];
    if (reply.error && is_gone(*reply.error)) {
      vanished.push_back(path);
      continue;
    }
    Login login = login_of(value_of(reply).get());
    if (!login.server.empty()) {
      found.items.push_back({.path = path, .login = std::move(login), .locked = is_locked});
    }
  }
  expect_gone(vanished);
  sort_by_time(found.items);
  return found;
}

void SecretServiceStore::expect_gone(const std::vector<std::string>& paths) {
  if (paths.empty()) {
    return;
  }
  const BusMessagePtr answer = bus().call(search_call(nullptr));
  for (int state = 0; state < 2; ++state) {  // unlocked, locked
    for (const std::string& path : read_paths(answer.get())) {
      if (std::ranges::find(paths, path) != paths.end()) {
        throw Error(ErrorCode::store_unavailable, "the Secret Service lists a login that it does not show",
                    "try again; `regsync doctor` tells more");
      }
    }
  }
}

// The time is only asked of items that are not the only one of their registry: each question costs.
void SecretServiceStore::sort_by_time(std::vector<Item>& items) {
  std::map<RegistryKey, std::vector<Item*>> by_registry;
  for (Item& item : items) {
    by_registry[RegistryKey(item.login.server)].push_back(&item);
  }
  std::vector<Item*> rivals;
  for (const auto& [key, same] : by_registry) {
    if (same.size() > 1) {
      rivals.insert(rivals.end(), same.begin(), same.end());
    }
  }
  std::vector<BusCall> calls;
  for (const Item* item : rivals) {
    calls.push_back(item_property_call(item->path, "Modified"));
  }
  const auto replies = bus().call_all(calls);
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    if (replies[i].value) {
      rivals[i]->modified = number_property(replies[i].value.get());
    }
  }
  std::ranges::stable_sort(items, std::greater{}, &Item::modified);
}

SecretServiceStore::Found SecretServiceStore::find_unlocked(const std::function<bool(const Login&)>& concerned,
                                                            IfNoCollection if_none) {
  for (int attempt = 0;; ++attempt) {
    Found found = find();
    if (found.collection.empty()) {
      const bool may_create = if_none == IfNoCollection::create && prompt_ == Prompt::allowed && attempt == 0;
      if (!may_create || !bus().create_default_collection()) {
        throw no_default_collection_error();
      }
      continue;
    }
    std::vector<std::string> locked;
    // A locked collection may hold what a search does not show (KeePassXC; gnome-keyring before the first unlock).
    if (found.collection_locked) {
      locked.push_back(found.collection);
    }
    for (const Item& item : found.items) {
      if (item.locked && !item.path.starts_with(found.collection + "/") && concerned(item.login)) {
        locked.push_back(item.path);
      }
    }
    if (locked.empty()) {
      return found;
    }
    if (prompt_ == Prompt::never || attempt > 0 || !bus().unlock(locked)) {
      throw locked_error();
    }
  }
}

void SecretServiceStore::open_session() {
  if (session_.empty()) {
    session_ = session_of(bus().call(open_session_call()).get());
  }
}

std::vector<std::optional<SecretString>> SecretServiceStore::secrets(const std::vector<Item>& items) {
  open_session();
  std::vector<BusCall> calls;
  calls.reserve(items.size());
  for (const Item& item : items) {
    calls.push_back({item.path, item_interface, "GetSecret", arguments("o", session_)});
  }
  std::vector<std::optional<SecretString>> values;
  for (const BusReply& reply : bus().call_all(calls)) {
    if (reply.error && is_gone(*reply.error)) {
      values.emplace_back();
      continue;
    }
    values.emplace_back(secret_of(value_of(reply).get()));
  }
  return values;
}

bool SecretServiceStore::locked() {
  const std::string collection = read_path(bus().call(read_default_call()).get());
  return collection != "/" && boolean_property(bus().call(collection_locked_call(collection)).get());
}

std::optional<Credential> SecretServiceStore::lookup(const std::string& server) {
  std::vector<BusCall> questions{search_call(&server)};
  if (session_.empty()) {
    questions.push_back(open_session_call());
  }
  const auto answers = bus().call_all(questions);
  const std::vector<std::string> unlocked = read_paths(value_of(answers[0]).get());
  if (answers.size() > 1) {
    session_ = session_of(value_of(answers[1]).get());
  }
  if (unlocked.size() != 1) {
    return std::nullopt;
  }
  const auto item = bus().call_all({
      item_property_call(unlocked.front(), "Attributes"),
      {unlocked.front(), item_interface, "GetSecret", arguments("o", session_)},
  });
  if (!item[0].value || !item[1].value) {
    return std::nullopt;  // replaced meanwhile, or a session of a service that is gone: the long way knows
  }
  return Credential{login_of(item[0].value.get()), secret_of(item[1].value.get())};
}

std::optional<Credential> SecretServiceStore::get(std::string_view server) {
  require_server(server);
  const std::string exact(server);
  const RegistryKey key(server);
  const auto same_registry = [&key](const Login& login) { return RegistryKey(login.server) == key; };
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (auto credential = lookup(exact)) {
      return credential;
    }
    Found found = find_unlocked(same_registry);
    std::erase_if(found.items, [&](const Item& item) { return !same_registry(item.login); });
    std::ranges::stable_partition(found.items, [&exact](const Item& item) { return item.login.server == exact; });
    if (found.items.empty()) {
      return std::nullopt;
    }
    found.items.resize(1);
    if (auto secret = std::move(secrets(found.items).front())) {
      return Credential{std::move(found.items.front().login), std::move(*secret)};
    }
  }
  throw Error(ErrorCode::store_unavailable, "the login of " + exact + " changes faster than it can be read");
}

std::vector<Login> SecretServiceStore::Found::logins() const {
  std::map<std::string, std::string> latest;
  for (const Item& item : items) {
    latest.try_emplace(item.login.server, item.login.username);
  }
  std::vector<Login> logins;
  logins.reserve(latest.size());
  for (auto& [server, username] : latest) {
    logins.push_back({server, std::move(username)});
  }
  return logins;
}

std::vector<Login> SecretServiceStore::list() {
  return find_unlocked([](const Login&) { return true; }).logins();
}

StoreReading SecretServiceStore::load(std::set<RegistryKey> asked) {
  const auto wanted = [&asked](const Login& login) { return asked.contains(RegistryKey(login.server)); };
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Found found = find_unlocked(wanted);
    StoreReading reading{.asked = {}, .credentials = {}, .all = found.logins(), .problem = {}};
    std::set<RegistryKey> chosen;
    std::erase_if(found.items, [&](const Item& item) {
      return !wanted(item.login) || !chosen.insert(RegistryKey(item.login.server)).second;
    });
    auto values = secrets(found.items);
    if (std::ranges::all_of(values, [](const auto& value) { return value.has_value(); })) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        reading.credentials.push_back({std::move(found.items[i].login), std::move(*values[i])});
      }
      reading.asked = std::move(asked);
      return reading;
    }
  }
  throw Error(ErrorCode::store_unavailable, "the logins change faster than they can be read");
}

void SecretServiceStore::store(const Credential& credential) {
  require_storable(credential);
  const RegistryKey key(credential.login.server);
  const auto same_registry = [&key](const Login& login) { return RegistryKey(login.server) == key; };
  const SessionLock writer(bus(), store_writer_lock);
  Found found = find_unlocked(same_registry, IfNoCollection::create);
  std::erase_if(found.items, [&](const Item& item) { return !same_registry(item.login); });
  if (found.items.size() == 1 && found.items.front().login == credential.login &&
      secrets(found.items).front() == credential.secret) {
    return;
  }
  open_session();
  const std::string kept = create_item(found.collection, credential);
  // The new one first, then the old ones away: at no moment is there none.
  for (const Item& item : found.items) {
    if (kept.empty() ? item.login != credential.login : item.path != kept) {
      delete_item(item);
    }
  }
}

bool SecretServiceStore::erase(std::string_view server) {
  require_server(server);
  const RegistryKey key(server);
  const auto same_registry = [&key](const Login& login) { return RegistryKey(login.server) == key; };
  const SessionLock writer(bus(), store_writer_lock);
  bool erased = false;
  for (const Item& item : find_unlocked(same_registry).items) {
    if (same_registry(item.login)) {
      delete_item(item);
      erased = true;
    }
  }
  return erased;
}

std::string SecretServiceStore::create_item(const std::string& collection, const Credential& credential) {
  const auto write_arguments = [this, &credential](sd_bus_message* call) {
    written(sd_bus_message_sensitive(call));  // wiped when it is freed
    const std::string& server = credential.login.server;
    // The label is the server, and not "Registry credentials for <server>" as docker-credential-secretservice 0.9
    // writes: its `list` answers labels, so only logins labelled like this can be listed and then read with it.
    write_to(call, "a{sv}", 2, "org.freedesktop.Secret.Item.Label", "s", server,
             "org.freedesktop.Secret.Item.Attributes", "a{ss}", 5, "xdg:schema", schema, "label", "Docker Credentials",
             "server", server, "username", credential.login.username, "docker_cli", "1");
    const std::string_view secret = credential.secret.reveal();
    written(sd_bus_message_open_container(call, 'r', "oayays"));
    write_to(call, "oay", session_, 0);
    written(sd_bus_message_append_array(call, 'y', secret.data(), secret.size()));
    write_to(call, "s", "text/plain");
    written(sd_bus_message_close_container(call));
    constexpr int replace = 1;
    write_to(call, "b", replace);
  };
  const BusMessagePtr reply = bus().call({collection, collection_interface, "CreateItem", write_arguments});
  std::string item = read_path(reply.get());
  const std::string prompt_path = read_path(reply.get());
  if (prompt_path == "/") {
    return item;
  }
  const BusMessagePtr result = consent(bus(), prompt_, prompt_path, "store the login of " + credential.login.server);
  return sd_bus_message_enter_container(result.get(), 'v', "o") > 0 ? read_path(result.get()) : "";
}

void SecretServiceStore::delete_item(const Item& item) {
  const auto replies = bus().call_all({{item.path, item_interface, "Delete", {}}});
  const BusReply& reply = replies.front();
  if (reply.error && is_gone(*reply.error)) {
    expect_gone({item.path});
    return;
  }
  const std::string prompt_path = read_path(value_of(reply).get());
  if (prompt_path != "/") {
    consent(bus(), prompt_, prompt_path, "delete the login of " + item.login.server);
  }
}

}  // namespace regsync
