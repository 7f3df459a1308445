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
constexpr const char* default_alias = "/org/freedesktop/secrets/aliases/default";

// How often a login that is replaced while we read it is looked for again.
constexpr int max_attempts = 5;

GVariant* get_all(const char* interface) { return g_variant_new("(s)", interface); }

std::string text(GVariant* dictionary, const char* key) {
  const char* value = nullptr;
  return g_variant_lookup(dictionary, key, "&s", &value) != FALSE ? value : "";
}

bool flag(GVariant* properties, const char* key) {
  gboolean value = FALSE;
  return g_variant_lookup(properties, key, "b", &value) != FALSE && value != FALSE;
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

BusCall default_locked_call() {
  return {default_alias, properties_interface, "Get", g_variant_new("(ss)", collection_interface, "Locked")};
}

// The answer of Properties.Get for a boolean.
bool boolean_property(GVariant* reply) {
  const GVariantPtr variant(g_variant_get_child_value(reply, 0));
  const GVariantPtr value(g_variant_get_variant(variant.get()));
  return g_variant_get_boolean(value.get()) != FALSE;
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

SecretServiceStore::Found SecretServiceStore::find(const std::string* server) {
  GVariantBuilder attributes;
  g_variant_builder_init(&attributes, G_VARIANT_TYPE("a{ss}"));
  g_variant_builder_add(&attributes, "{ss}", "xdg:schema", schema);
  if (server != nullptr) {
    g_variant_builder_add(&attributes, "{ss}", "server", server->c_str());
  }
  std::vector<BusCall> questions{
      {secret_service_path, service_interface, "SearchItems", g_variant_new("(a{ss})", &attributes)},
      {secret_service_path, service_interface, "ReadAlias", g_variant_new("(s)", "default")},
      default_locked_call(),
  };
  // Whoever searches needs a session next, and in the same round trip it is free. It ends with its service.
  questions.push_back({"/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                       g_variant_new("(s)", secret_service_name), "org.freedesktop.DBus"});
  if (session_.empty()) {
    questions.push_back(open_session_call());
  }
  auto answers = bus().call_all(std::move(questions));
  const std::string owner = answers[3].value ? string_child(answers[3].value.get(), 0) : "";
  if (answers.size() == 4 && owner != session_owner_) {
    answers.push_back(std::move(bus().call_all({open_session_call()}).front()));
  }
  if (answers.size() == 5) {
    session_ = string_child(value_of(answers[4]).get(), 1);
    session_owner_ = owner;
  }
  std::vector<std::string> paths = object_paths(value_of(answers[0]).get(), 0);
  std::ranges::copy(object_paths(answers[0].value.get(), 1), std::back_inserter(paths));

  Found result;
  result.collection = string_child(value_of(answers[1]).get(), 0);
  if (result.collection == "/") {
    throw no_default_collection_error();
  }
  result.collection_locked = boolean_property(value_of(answers[2]).get());

  std::vector<BusCall> calls;
  calls.reserve(paths.size());
  for (const std::string& path : paths) {
    calls.push_back({path, properties_interface, "GetAll", get_all(item_interface)});
  }
  const auto replies = bus().call_all(std::move(calls));
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (replies[i].error && is_gone(*replies[i].error)) {
      continue;
    }
    const GVariantPtr properties(g_variant_get_child_value(value_of(replies[i]).get(), 0));
    const GVariantPtr kept(g_variant_lookup_value(properties.get(), "Attributes", G_VARIANT_TYPE("a{ss}")));
    Item item{.path = paths[i], .login = {}, .locked = flag(properties.get(), "Locked"), .modified = 0};
    if (kept) {
      item.login = {text(kept.get(), "server"), text(kept.get(), "username")};
    }
    g_variant_lookup(properties.get(), "Modified", "t", &item.modified);
    if (!item.login.server.empty()) {
      result.items.push_back(std::move(item));
    }
  }
  std::ranges::stable_sort(result.items, std::greater{}, &Item::modified);
  return result;
}

SecretServiceStore::Found SecretServiceStore::find_unlocked(const std::string* server,
                                                            const std::function<bool(const Login&)>& concerned) {
  for (int attempt = 0;; ++attempt) {
    Found found = find(server);
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

std::vector<std::optional<SecretString>> SecretServiceStore::secrets(const std::vector<Item>& items) {
  std::vector<BusCall> calls;
  calls.reserve(items.size());
  for (const Item& item : items) {
    calls.push_back({item.path, item_interface, "GetSecret", g_variant_new("(o)", session_.c_str())});
  }
  std::vector<std::optional<SecretString>> values;
  for (const BusReply& reply : bus().call_all(std::move(calls))) {
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
  const auto replies = bus().call_all({default_locked_call()});
  return replies.front().value && boolean_property(replies.front().value.get());
}

std::optional<Credential> SecretServiceStore::get(std::string_view server) {
  require_server(server);
  const std::string exact(server);
  const RegistryKey key(server);
  const auto same_registry = [&key](const Login& login) { return RegistryKey(login.server) == key; };
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Found found = find(&exact);
    if (found.items.empty() || found.items.front().locked) {
      found = find_unlocked(nullptr, same_registry);
      std::erase_if(found.items, [&](const Item& item) { return !same_registry(item.login); });
      std::ranges::stable_partition(found.items, [&exact](const Item& item) { return item.login.server == exact; });
    }
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
  return find_unlocked(nullptr, [](const Login&) { return true; }).logins();
}

Logins SecretServiceStore::load(std::set<RegistryKey> asked) {
  const auto wanted = [&asked](const Login& login) { return asked.contains(RegistryKey(login.server)); };
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Found found = find_unlocked(nullptr, wanted);
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
  const StoreWriter writer(bus());
  require_default_collection();
  Found found = find_unlocked(nullptr, same_registry);
  std::erase_if(found.items, [&](const Item& item) { return !same_registry(item.login); });
  if (found.items.size() == 1 && found.items.front().login == credential.login &&
      secrets(found.items).front() == credential.secret) {
    return;
  }
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
  const StoreWriter writer(bus());
  bool erased = false;
  for (const Item& item : find_unlocked(nullptr, same_registry).items) {
    if (same_registry(item.login)) {
      delete_item(item);
      erased = true;
    }
  }
  return erased;
}

// Only a person can choose the password of a first collection.
void SecretServiceStore::require_default_collection() {
  const GVariantPtr reply =
      bus().call({secret_service_path, service_interface, "ReadAlias", g_variant_new("(s)", "default")});
  if (string_child(reply.get(), 0) == "/" && (prompt_ == Prompt::never || !bus().create_default_collection())) {
    throw no_default_collection_error();
  }
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
  const std::string item = string_child(reply.get(), 0);
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
    return;
  }
  const std::string prompt_path = string_child(value_of(reply).get(), 0);
  if (prompt_path != "/") {
    consent(bus(), prompt_, prompt_path, "delete the login of " + item.login.server);
  }
}

}  // namespace regsync
