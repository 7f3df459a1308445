#include "helper/secret_service_store.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "helper/secret_service_bus.hpp"

namespace regsync {
namespace {

constexpr const char* service_interface = "org.freedesktop.Secret.Service";
constexpr const char* collection_interface = "org.freedesktop.Secret.Collection";
constexpr const char* item_interface = "org.freedesktop.Secret.Item";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr const char* schema = "io.docker.Credentials";

// How often a login that is replaced while we read it is looked for again.
constexpr int max_attempts = 5;

std::string text(GVariant* dictionary, const char* key) {
  const char* value = nullptr;
  return g_variant_lookup(dictionary, key, "&s", &value) != FALSE ? value : "";
}

std::vector<std::string> object_paths(GVariant* reply, std::size_t index) {
  std::vector<std::string> paths;
  const GVariantPtr array(g_variant_get_child_value(reply, index));
  for (gsize i = 0; i < g_variant_n_children(array.get()); ++i) {
    const GVariantPtr path(g_variant_get_child_value(array.get(), i));
    paths.emplace_back(g_variant_get_string(path.get(), nullptr));
  }
  return paths;
}

// A string or an object path that is a child of a reply.
std::string string_child(GVariant* reply, std::size_t index) {
  const GVariantPtr child(g_variant_get_child_value(reply, index));
  return g_variant_get_string(child.get(), nullptr);
}

BusCall open_session_call() {
  return {secret_service_path, service_interface, "OpenSession",
          g_variant_new("(sv)", "plain", g_variant_new_string(""))};
}

// Never a call to /org/freedesktop/secrets/aliases/default: gnome-keyring (42.1) looks that alias up on another thread
// than ReadAlias, and now and then one of the two answers freed memory.
BusCall read_default_call() {
  return {secret_service_path, service_interface, "ReadAlias", g_variant_new("(s)", "default")};
}

BusCall collection_locked_call(const std::string& collection) {
  return {collection, properties_interface, "Get", g_variant_new("(ss)", collection_interface, "Locked")};
}

BusCall item_property_call(const std::string& path, const char* name) {
  return {path, properties_interface, "Get", g_variant_new("(ss)", item_interface, name)};
}

// The items of our schema; those of one server, or all.
BusCall search_call(const std::string* server) {
  GVariantBuilder attributes;
  g_variant_builder_init(&attributes, G_VARIANT_TYPE("a{ss}"));
  g_variant_builder_add(&attributes, "{ss}", "xdg:schema", schema);
  if (server != nullptr) {
    g_variant_builder_add(&attributes, "{ss}", "server", server->c_str());
  }
  return {secret_service_path, service_interface, "SearchItems", g_variant_new("(a{ss})", &attributes)};
}

// The answer of Properties.Get.
GVariantPtr property(GVariant* reply) {
  const GVariantPtr variant(g_variant_get_child_value(reply, 0));
  return GVariantPtr(g_variant_get_variant(variant.get()));
}

bool boolean_property(GVariant* reply) { return g_variant_get_boolean(property(reply).get()) != FALSE; }

// From the answer for an item's Attributes.
Login login_of(GVariant* reply) {
  const GVariantPtr attributes = property(reply);
  return {text(attributes.get(), "server"), text(attributes.get(), "username")};
}

// The value of a Secret structure: (session, parameters, value, content type).
SecretString secret_value(GVariant* secret) {
  const GVariantPtr bytes(g_variant_get_child_value(secret, 2));
  gsize size = 0;
  const void* data = g_variant_get_fixed_array(bytes.get(), &size, 1);
  return SecretString({static_cast<const char*>(data), size});
}

const GVariantPtr& value_of(const BusReply& reply) {
  if (reply.error) {
    throw secret_service_error(*reply.error);
  }
  return reply.value;
}

// The result of a call that the service delays until the person consents.
GVariantPtr consent(SecretServiceBus& bus, Prompt prompt, const std::string& prompt_path, const std::string& purpose) {
  GVariantPtr result = prompt == Prompt::allowed ? bus.prompt(prompt_path) : nullptr;
  if (!result) {
    throw Error(ErrorCode::locked, "the keyring asked for consent to " + purpose + ", and got none",
                "answer its prompt, or unlock it first");
  }
  return result;
}

}  // namespace

SecretServiceStore::SecretServiceStore(Prompt prompt, _GCancellable* cancel) : prompt_(prompt), cancel_(cancel) {}

SecretServiceStore::~SecretServiceStore() = default;

SecretServiceBus& SecretServiceStore::bus() {
  if (bus_ && g_dbus_connection_is_closed(bus_->connection()) != FALSE) {
    bus_.reset();
    session_.clear();
  }
  if (!bus_) {
    bus_ = std::make_unique<SecretServiceBus>(cancel_);
  }
  return *bus_;
}

SecretServiceStore::Found SecretServiceStore::find() {
  std::vector<BusCall> questions{
      search_call(nullptr),
      read_default_call(),
      {"/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner", g_variant_new("(s)", secret_service_name),
       "org.freedesktop.DBus"},
  };
  if (session_.empty()) {  // most callers need one next, and here it costs no round trip
    questions.push_back(open_session_call());
  }
  const auto answers = bus().call_all(questions);
  std::string owner = answers[2].value ? string_child(answers[2].value.get(), 0) : "";
  if (answers.size() > 3) {
    session_ = string_child(value_of(answers[3]).get(), 1);
  } else if (owner != session_owner_) {
    session_.clear();  // a session ends with its service
  }
  session_owner_ = std::move(owner);
  const std::vector<std::string> unlocked = object_paths(value_of(answers[0]).get(), 0);
  const std::vector<std::string> locked = object_paths(answers[0].value.get(), 1);

  Found found;
  found.collection = string_child(value_of(answers[1]).get(), 0);
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
  const GVariantPtr answer = bus().call(search_call(nullptr));
  for (const std::size_t state : {0U, 1U}) {  // unlocked, locked
    for (const std::string& path : object_paths(answer.get(), state)) {
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
      rivals[i]->modified = g_variant_get_uint64(property(replies[i].value.get()).get());
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
    session_ = string_child(bus().call(open_session_call()).get(), 1);
  }
}

std::vector<std::optional<SecretString>> SecretServiceStore::secrets(const std::vector<Item>& items) {
  open_session();
  std::vector<BusCall> calls;
  calls.reserve(items.size());
  for (const Item& item : items) {
    calls.push_back({item.path, item_interface, "GetSecret", g_variant_new("(o)", session_.c_str())});
  }
  std::vector<std::optional<SecretString>> values;
  for (const BusReply& reply : bus().call_all(calls)) {
    if (reply.error && is_gone(*reply.error)) {
      values.emplace_back();
      continue;
    }
    const GVariantPtr secret(g_variant_get_child_value(value_of(reply).get(), 0));
    values.emplace_back(secret_value(secret.get()));
  }
  return values;
}

bool SecretServiceStore::locked() {
  const std::string collection = string_child(bus().call(read_default_call()).get(), 0);
  return collection != "/" && boolean_property(bus().call(collection_locked_call(collection)).get());
}

std::optional<Credential> SecretServiceStore::lookup(const std::string& server) {
  std::vector<BusCall> questions{search_call(&server)};
  if (session_.empty()) {
    questions.push_back(open_session_call());
  }
  const auto answers = bus().call_all(questions);
  const std::vector<std::string> unlocked = object_paths(value_of(answers[0]).get(), 0);
  if (answers.size() > 1) {
    session_ = string_child(value_of(answers[1]).get(), 1);
  }
  if (unlocked.size() != 1) {
    return std::nullopt;
  }
  const auto item = bus().call_all({
      item_property_call(unlocked.front(), "Attributes"),
      {unlocked.front(), item_interface, "GetSecret", g_variant_new("(o)", session_.c_str())},
  });
  if (!item[0].value || !item[1].value) {
    return std::nullopt;  // replaced meanwhile, or a session of a service that is gone: the long way knows
  }
  const GVariantPtr secret(g_variant_get_child_value(item[1].value.get(), 0));
  return Credential{login_of(item[0].value.get()), secret_value(secret.get())};
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

Logins SecretServiceStore::load(std::set<RegistryKey> asked) {
  const auto wanted = [&asked](const Login& login) { return asked.contains(RegistryKey(login.server)); };
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Found found = find_unlocked(wanted);
    Logins reading{.asked = {}, .credentials = {}, .all = found.logins(), .problem = {}};
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
  GVariantBuilder attributes;
  g_variant_builder_init(&attributes, G_VARIANT_TYPE("a{ss}"));
  const std::array<std::pair<const char*, const char*>, 5> kept{{{"xdg:schema", schema},
                                                                 {"label", "Docker Credentials"},
                                                                 {"server", credential.login.server.c_str()},
                                                                 {"username", credential.login.username.c_str()},
                                                                 {"docker_cli", "1"}}};
  for (const auto& [name, value] : kept) {
    g_variant_builder_add(&attributes, "{ss}", name, value);
  }
  GVariantBuilder properties;
  g_variant_builder_init(&properties, G_VARIANT_TYPE("a{sv}"));
  // The label is the server, and not "Registry credentials for <server>" as docker-credential-secretservice 0.9 writes:
  // its `list` answers labels, so only logins labelled like this can be listed and then read with it.
  g_variant_builder_add(&properties, "{sv}", "org.freedesktop.Secret.Item.Label",
                        g_variant_new_string(credential.login.server.c_str()));
  g_variant_builder_add(&properties, "{sv}", "org.freedesktop.Secret.Item.Attributes",
                        g_variant_builder_end(&attributes));
  const std::string_view secret = credential.secret.reveal();
  GVariant* const value = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, secret.data(), secret.size(), 1);
  GVariant* const parameters = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, nullptr, 0, 1);
  constexpr gboolean replace = TRUE;
  const GVariantPtr reply = bus().call(
      {collection, collection_interface, "CreateItem",
       g_variant_new("(a{sv}(o@ay@ays)b)", &properties, session_.c_str(), parameters, value, "text/plain", replace)});
  std::string item = string_child(reply.get(), 0);
  const std::string prompt_path = string_child(reply.get(), 1);
  if (prompt_path == "/") {
    return item;
  }
  const GVariantPtr result = consent(bus(), prompt_, prompt_path, "store the login of " + credential.login.server);
  return g_variant_is_of_type(result.get(), G_VARIANT_TYPE_OBJECT_PATH) != FALSE
             ? g_variant_get_string(result.get(), nullptr)
             : "";
}

void SecretServiceStore::delete_item(const Item& item) {
  const auto replies = bus().call_all({{item.path, item_interface, "Delete", nullptr}});
  const BusReply& reply = replies.front();
  if (reply.error && is_gone(*reply.error)) {
    expect_gone({item.path});
    return;
  }
  const std::string prompt_path = string_child(value_of(reply).get(), 0);
  if (prompt_path != "/") {
    consent(bus(), prompt_, prompt_path, "delete the login of " + item.login.server);
  }
}

}  // namespace regsync
