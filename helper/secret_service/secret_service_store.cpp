#include "helper/secret_service/secret_service_store.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "helper/secret_service/libsecret_calls.hpp"
#include "helper/secret_service/provider.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "helper/secret_service/secret_service_reader.hpp"
#include "helper/secret_service/secret_service_writer.hpp"
#include "helper/secret_service/session_lock.hpp"

namespace regsync {
namespace {

// The maximum number of lookups for a login that is replaced while we read it.
constexpr int max_attempts = 5;

using Paths = std::vector<std::string>;

void add(Paths& paths, const std::string& path) {
  if (std::ranges::find(paths, path) == paths.end()) {
    paths.push_back(path);
  }
}

// Adds the path to unlock before an item can be used.
void add_lock_of(Paths& paths, const StoreContents& contents, const StoredItem& item) {
  if (item.locked) {
    const StoreCollection* collection = contents.collection(item.collection);
    add(paths, collection != nullptr && collection->locked ? item.collection : item.path);
  }
}

void add_default(Paths& paths, const StoreContents& contents) {
  const StoreCollection* collection = contents.collection(contents.default_collection);
  if (collection != nullptr && collection->locked) {
    add(paths, collection->path);
  }
}

void add_all_collections(Paths& paths, const StoreContents& contents) {
  for (const StoreCollection& collection : contents.collections) {
    if (collection.locked) {
      add(paths, collection.path);
    }
  }
}

RegistryKey key_of_item(const StoredItem& item) { return stored_key(item.schema, item.login.server); }

bool is_of(const StoredItem& item, const RegistryKey& key) { return key_of_item(item) == key; }

std::vector<const char*> schemas_of(Shelf shelf) {
  switch (shelf) {
    case Shelf::in_force:
      return {login_schema, account_schema};
    case Shelf::docker_clients:
      return {login_schema};
    case Shelf::replaced:
      break;
  }
  return {replaced_schema};
}

// The server to store: canonical for an account; Docker's clients choose their own spelling.
std::string stored_name(const RegistryKey& key, std::string_view server) {
  return key.account().empty() ? std::string(server) : key.value();
}

// The item that `get` returns: prefers exactly this name to other spellings.
const StoredItem* best(const StoreContents& contents, const RegistryKey& key, std::string_view exact) {
  const StoredItem* found = nullptr;
  for (const StoredItem& item : contents.items) {
    if (is_of(item, key) && (found == nullptr || (found->login.server != exact && item.login.server == exact))) {
      found = &item;
    }
  }
  return found;
}

std::vector<KeptLogin> logins_of(const StoreContents& contents) {
  std::vector<KeptLogin> logins;
  logins.reserve(contents.items.size());
  for (const StoredItem& item : contents.items) {
    logins.push_back({item.login, item.collection, time_of(item.modified)});
  }
  std::ranges::stable_sort(logins, {}, [](const KeptLogin& kept) { return kept.login.server; });
  return logins;
}

// For when nothing was found: throws if some items could not be read.
void require_readable(const StoreContents& contents) {
  if (contents.unreadable > 0) {
    throw hidden_logins_error(contents.unreadable);
  }
}

Error too_fast(const std::string& server) {
  return {ErrorCode::store_unavailable, "the login of " + server + " changes faster than it can be read"};
}

}  // namespace

// The last reading, if it showed everything.
struct SecretServiceStore::Last {
  StoreContents contents;
  Secrets secrets;
  std::set<RegistryKey> asked;
  StoreProvider provider;
};

SecretServiceStore::SecretServiceStore(Prompt prompt, int cancel_fd, Shelf shelf)
    : prompt_(prompt), cancel_fd_(cancel_fd), shelf_(shelf) {}

SecretServiceStore::~SecretServiceStore() = default;

void SecretServiceStore::connect() {
  if (!client_ || !client_->alive()) {
    writer_.reset();
    reader_.reset();
    allowed_.clear();
    last_.reset();
    client_ = std::make_unique<SecretServiceClient>(cancel_fd_);
    reader_ = std::make_unique<SecretServiceReader>(*client_, schemas_of(shelf_));
    writer_ = std::make_unique<SecretServiceWriter>(*client_, prompt_, cancel_fd_);
  }
  client_->renew();
}

RegistryKey SecretServiceStore::key_of(std::string_view server) const {
  return shelf_ == Shelf::docker_clients ? RegistryKey::of_client(server) : RegistryKey(server);
}

const char* SecretServiceStore::schema_of(const RegistryKey& key) const {
  if (shelf_ == Shelf::replaced) {
    return replaced_schema;
  }
  return key.account().empty() ? login_schema : account_schema;
}

StoreContents SecretServiceStore::named(StoreContents contents) const {
  if (shelf_ != Shelf::docker_clients) {
    for (StoredItem& item : contents.items) {
      // User info stored by a client is not an account.
      if (item.schema == std::string_view(login_schema) && !RegistryKey(item.login.server).account().empty()) {
        item.login.server = key_of_item(item).value();
      }
    }
  }
  return contents;
}

Error SecretServiceStore::locked_error(const StoreContents& contents) {
  return regsync::locked_error(client_->provider(), contents.collections);
}

StoreContents SecretServiceStore::open(const RegistryKey* wanted,
                                       const std::function<Paths(const StoreContents&)>& locked_of) {
  for (int attempt = 0;; ++attempt) {
    StoreContents contents = named(wanted == nullptr ? reader_->names() : reader_->contents(*wanted));
    Paths locked = locked_of(contents);
    std::erase_if(locked, [this](const std::string& path) { return allowed_.contains(path); });
    if (locked.empty()) {
      return contents;
    }
    if (attempt > 1 || !writer_->unlock(contents, locked)) {
      const auto item = std::ranges::find(contents.items, locked.front(), &StoredItem::path);
      throw item == contents.items.end() ? locked_error(contents)
                                         : consent_needed_error(client_->provider(), item->login.server);
    }
    note_allowed(contents, locked);
  }
}

Paths SecretServiceStore::locks_of(const StoreContents& contents, const RegistryKey& key, const std::string& exact) {
  const StoredItem* item = best(contents, key, exact);
  if (item == nullptr) {
    return locks_of_absent(contents, key, exact);
  }
  Paths locked;
  add_lock_of(locked, contents, *item);
  return locked;
}

// Each pull of a public image looks for a login that does not exist: that must not unlock what the user keeps locked.
// So a collection other than the default one is unlocked only if it is known to hold the login.
Paths SecretServiceStore::locks_of_absent(const StoreContents& contents, const RegistryKey& key,
                                          const std::string& exact) {
  Paths locked;
  add_default(locked, contents);
  if (contents.default_collection.empty() && std::ranges::all_of(contents.collections, &StoreCollection::locked)) {
    add_all_collections(locked, contents);  // the store as a whole is locked
  }
  if (!locked.empty() || std::ranges::none_of(contents.collections, &StoreCollection::locked)) {
    return locked;
  }
  Paths servers = key.spellings();
  add(servers, exact);
  return reader_->hidden_in(contents.collections, key, servers);
}

void SecretServiceStore::note_allowed(const StoreContents& contents, const std::vector<std::string>& unlocked) {
  for (const std::string& path : unlocked) {
    if (contents.collection(path) == nullptr) {
      allowed_.insert(path);
    }
  }
}

std::vector<Answer<SecretString>> SecretServiceStore::secrets(const std::vector<StoredItem>& items) {
  auto answers = reader_->secrets(items);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (answers[i].error && (reader_->session_refused() || allowed_.contains(items[i].path))) {
      answers[i] = writer_->secret(items[i].path);
    }
    if (items[i].locked && answers[i].value && answers[i].value->empty()) {
      answers[i] = {.value = {}, .error = locked_item()};  // as KWallet does
    }
  }
  return answers;
}

std::optional<Credential> SecretServiceStore::get(std::string_view server) {
  require_server(server);
  connect();
  const RegistryKey key = key_of(server);
  const std::string exact = stored_name(key, server);
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (auto credential = reader_->lookup(schema_of(key), exact)) {
      return credential;
    }
    const StoreContents contents = open(&key, [&](const StoreContents& seen) { return locks_of(seen, key, exact); });
    const StoredItem* item = best(contents, key, exact);
    if (item == nullptr) {
      require_readable(contents);
      return std::nullopt;
    }
    auto secret = std::move(secrets({*item}).front());
    if (!secret.error || !is_gone(*secret.error)) {
      return Credential{item->login, client_->value_of(std::move(secret))};
    }
  }
  throw too_fast(exact);
}

std::vector<Login> SecretServiceStore::list() {
  connect();
  const StoreContents contents = open(nullptr, [](const StoreContents& seen) {
    Paths locked;
    add_default(locked, seen);
    return locked;
  });
  std::vector<Login> logins;
  for (KeptLogin& kept : logins_of(contents)) {
    if (logins.empty() || logins.back().server != kept.login.server) {
      logins.push_back(std::move(kept.login));
    }
  }
  return logins;
}

// Asks for nothing twice. Each reading may show more that is locked: while the default collection is locked, nobody
// looks for logins that the other ones hide (locks_of_absent).
StoreContents SecretServiceStore::open_for(const std::set<RegistryKey>& keys) {
  StoreContents contents = named(reader_->contents());
  std::set<std::string> tried;
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Paths locked;
    if (prompt_ == Prompt::never) {
      add_all_collections(locked, contents);
    } else {
      add_default(locked, contents);
      for (const RegistryKey& key : keys) {
        for (const std::string& path : locks_of(contents, key, key.value())) {
          add(locked, path);
        }
      }
    }
    std::erase_if(locked, [&](const std::string& path) { return !tried.insert(path).second; });
    if (locked.empty()) {
      break;
    }
    if (writer_->unlock(contents, locked)) {
      note_allowed(contents, locked);
    }
    contents = named(reader_->contents());
  }
  return contents;
}

StoreReading SecretServiceStore::load(std::set<RegistryKey> asked) {
  connect();
  last_.reset();
  StoreReading reading{};
  reading.asked = std::move(asked);
  StoreContents contents = open_for(reading.asked);
  reading.provider = client_->provider();
  reading.collections = contents.collections;
  reading.all = logins_of(contents);
  reading.unreadable = contents.unreadable;
  if (const StoreCollection* kept = contents.collection(contents.default_collection); kept != nullptr && kept->locked) {
    reading.problem = locked_error(contents);
  } else if (contents.default_collection.empty() && contents.items.empty()) {
    reading.problem = no_default_collection_error(reading.provider);
  }
  Secrets secrets;
  load_secrets(contents, secrets, reading);
  if (reading.provider && reading.shows_everything() && reading.problems.empty()) {
    last_ = std::make_unique<Last>(Last{std::move(contents), std::move(secrets), reading.asked, *reading.provider});
  }
  return reading;
}

std::optional<StoreReading> SecretServiceStore::load_changes(const std::set<std::string>& paths,
                                                             const std::set<RegistryKey>& asked) {
  connect();
  auto last = std::exchange(last_, nullptr);
  if (!last || last->asked != asked) {
    return std::nullopt;
  }
  auto changed = reader_->changed_items({paths.begin(), paths.end()});
  if (!changed || client_->provider_name() != last->provider.bus_name ||
      changed->default_collection != last->contents.default_collection) {
    return std::nullopt;
  }
  for (StoredItem& item : changed->items) {
    last->secrets.erase(item.path);
    if (!last->contents.take(std::move(item))) {
      return std::nullopt;
    }
  }
  last->contents = named(std::move(last->contents));
  last->contents.sort();
  StoreReading reading{};
  reading.asked = asked;
  reading.only_changes = true;
  reading.provider = last->provider;
  reading.collections = last->contents.collections;
  reading.all = logins_of(last->contents);
  load_secrets(last->contents, last->secrets, reading);
  if (!reading.problems.empty()) {
    return std::nullopt;
  }
  last_ = std::move(last);
  return reading;
}

void SecretServiceStore::load_secrets(const StoreContents& contents, Secrets& known, StoreReading& reading) {
  std::map<RegistryKey, const StoredItem*> open;
  std::vector<StoredItem> items;
  for (const StoredItem& item : contents.items) {
    const RegistryKey key = key_of_item(item);
    if (reading.asked.contains(key) && open.emplace(key, &item).second && !known.contains(item.path)) {
      items.push_back(item);
    }
  }
  // If the reading does not show everything, missing logins may exist. (A locked default collection is a problem of the
  // whole reading.)
  std::optional<Error> doubt;
  if (std::ranges::any_of(contents.collections, &StoreCollection::locked)) {
    doubt = locked_error(contents);
  } else if (contents.unreadable > 0) {
    doubt = hidden_logins_error(contents.unreadable);
  }
  if (doubt && !reading.problem) {
    for (const RegistryKey& key : reading.asked) {
      if (!open.contains(key)) {
        reading.problems.insert_or_assign(key, *doubt);
      }
    }
  }
  auto values = secrets(items);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!values[i].error) {
      known.emplace(items[i].path, std::move(*values[i].value));
    } else if (auto problem = problem_of(*values[i].error, items[i], contents, reading)) {
      reading.problems.insert_or_assign(key_of_item(items[i]), *std::move(problem));
    }
  }
  for (const auto& [key, item] : open) {
    const auto secret = known.find(item->path);
    if (secret == known.end()) {
      continue;
    }
    Credential credential{item->login, secret->second.clone()};
    try {
      require_storable(credential);
      reading.credentials.push_back(std::move(credential));
    } catch (const Error& unfit) {
      reading.problems.insert_or_assign(
          key, Error(ErrorCode::unusable_login, "the login kept for " + key.value() + ": " + unfit.message(),
                     "log in again: " + login_command(key)));
    }
  }
}

std::optional<Error> SecretServiceStore::problem_of(const BusError& error, const StoredItem& item,
                                                    const StoreContents& contents, const StoreReading& reading) {
  const std::string name = key_of_item(item).value();
  if (is_locked(error)) {
    const StoreCollection* collection = contents.collection(item.collection);
    if (collection == nullptr || !collection->locked) {
      return consent_needed_error(reading.provider, name);
    }
    return reading.problem ? std::nullopt : std::optional(locked_error(contents));
  }
  return is_gone(error) ? too_fast(name) : client_->error_of(error);
}

void SecretServiceStore::store(const Credential& asked) {
  const RegistryKey key = key_of(asked.login.server);
  Credential credential = asked.clone();
  credential.login.server = stored_name(key, asked.login.server);
  require_storable(credential);
  connect();
  writer_->prepare_to_store();
  const SessionLock writer(*client_, store_writer_lock);
  const auto locks = [&key](const StoreContents& seen) {
    Paths locked;
    add_default(locked, seen);
    for (const StoredItem& item : seen.items) {
      if (is_of(item, key)) {
        add_lock_of(locked, seen, item);
      }
    }
    return locked;
  };
  StoreContents contents = open(&key, locks);
  if (contents.default_collection.empty()) {
    if (prompt_ == Prompt::never || !writer_->create_default_collection()) {
      throw no_default_collection_error(client_->provider());
    }
    contents = open(&key, locks);
    if (contents.default_collection.empty()) {
      throw no_default_collection_error(client_->provider());
    }
  }
  std::erase_if(contents.items, [&](const StoredItem& item) { return !is_of(item, key); });
  if (contents.items.size() == 1 && contents.items.front().login == credential.login &&
      secrets(contents.items).front().value == credential.secret) {
    return;
  }
  const std::string kept = writer_->store(*reader_, contents.default_collection, schema_of(key), credential);
  // Store the new item first, then delete the old ones, so that there is always one.
  for (const StoredItem& item : contents.items) {
    if (item.path != kept) {
      if (!writer_->erase(item.path, item.login)) {
        require_gone(item);
      }
    }
  }
}

bool SecretServiceStore::erase(std::string_view server) {
  require_server(server);
  connect();
  const RegistryKey key = key_of(server);
  const SessionLock writer(*client_, store_writer_lock);
  const StoreContents contents = open(&key, [&](const StoreContents& seen) {
    Paths locked;
    bool found = false;
    for (const StoredItem& item : seen.items) {
      if (is_of(item, key)) {
        add_lock_of(locked, seen, item);
        found = true;
      }
    }
    return found ? locked : locks_of_absent(seen, key, stored_name(key, server));
  });
  bool erased = false;
  for (const StoredItem& item : contents.items) {
    if (is_of(item, key)) {
      if (!writer_->erase(item.path, item.login)) {
        require_gone(item);
      }
      erased = true;
    }
  }
  if (!erased) {
    require_readable(contents);
  }
  return erased;
}

// A failing service may report an item as gone.
void SecretServiceStore::require_gone(const StoredItem& item) {
  const StoreContents contents = reader_->contents(key_of_item(item));
  require_readable(contents);
  if (std::ranges::find(contents.items, item.path, &StoredItem::path) != contents.items.end()) {
    throw Error(ErrorCode::store_unavailable,
                "the Secret Service says that the login of " + item.login.server + " is gone, and still lists it",
                "try again; `regsync doctor` tells more");
  }
}

std::optional<bool> SecretServiceStore::default_lock() {
  connect();
  return reader_->default_lock();
}

std::optional<StoreProvider> SecretServiceStore::provider() {
  connect();
  return client_->provider();
}

}  // namespace regsync
