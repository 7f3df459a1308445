#include "helper/secret_service/secret_service_reader.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace regsync {
namespace {

constexpr const char* service_interface = "org.freedesktop.Secret.Service";
constexpr const char* collection_interface = "org.freedesktop.Secret.Collection";
constexpr const char* item_interface = "org.freedesktop.Secret.Item";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";

// The maximum number of attempts at a reading during which the provider changes.
constexpr int max_attempts = 5;

// Never call /org/freedesktop/secrets/aliases/default: gnome-keyring (42.1) resolves that alias on another thread than
// ReadAlias, and sometimes one of the two answers with freed memory.
BusCall read_default_call() { return {secret_service_path, service_interface, "ReadAlias", arguments("s", "default")}; }

BusCall property_call(const std::string& path, const char* interface, const char* name) {
  return {path, properties_interface, "Get", arguments("ss", interface, name)};
}

BusCall item_call(const std::string& path) {
  return {path, properties_interface, "GetAll", arguments("s", item_interface)};
}

BusCall collection_call(const std::string& path) {
  return {path, properties_interface, "GetAll", arguments("s", collection_interface)};
}

BusCall item_login_call(const std::string& path) { return property_call(path, item_interface, "Attributes"); }

BusCall secret_call(const std::string& path, const std::string& session) {
  return {path, item_interface, "GetSecret", arguments("o", session)};
}

// Searches one collection for items of one schema, for one server or for all.
BusCall search_call(const std::string& collection, const char* schema, const std::string* server) {
  return {collection, collection_interface, "SearchItems",
          server != nullptr ? arguments("a{ss}", 2, "xdg:schema", schema, "server", *server)
                            : arguments("a{ss}", 1, "xdg:schema", schema)};
}

// Searches by attributes other than the schema, which is hidden here: by one that docker-credential-secretservice and
// we give each item, or by one that we give an account's.
BusCall hidden_search_call(const std::string& collection, const std::string& account, const std::string& server) {
  const bool of_account = !account.empty();
  return {collection, collection_interface, "SearchItems",
          arguments("a{ss}", 2, of_account ? "account" : "docker_cli", of_account ? account : "1", "server", server)};
}

}  // namespace

const StoreCollection* StoreContents::collection(const std::string& path) const {
  const auto found = std::ranges::find(collections, path, &StoreCollection::path);
  return found == collections.end() ? nullptr : &*found;
}

bool StoreContents::take(StoredItem item) {
  const auto known = std::ranges::find(items, item.path, &StoredItem::path);
  if (item.locked) {
    return false;  // a locked item need not show its attributes, nor so its login
  }
  if (item.schema == nullptr || item.login.server.empty()) {
    return known == items.end();  // otherwise a login may be gone
  }
  if (known != items.end()) {
    item.collection = known->collection;
    const bool same_login_as_before =
        stored_key(item.schema, item.login.server) == stored_key(known->schema, known->login.server);
    *known = std::move(item);
    return same_login_as_before;
  }
  const auto home = std::ranges::find_if(
      collections, [&](const StoreCollection& collection) { return item.path.starts_with(collection.path + "/"); });
  if (home == collections.end()) {
    return false;
  }
  item.collection = home->path;
  items.push_back(std::move(item));
  return true;
}

void StoreContents::sort() {
  const auto rank = [this](const StoredItem& item) {
    return std::tuple(item.collection == default_collection, item.modified, item.path.size(),
                      std::string_view(item.path));
  };
  std::ranges::sort(items, std::greater{}, rank);
}

RegistryKey stored_key(const char* schema, std::string_view server) {
  return schema == std::string_view(login_schema) ? RegistryKey::of_client(server) : RegistryKey(server);
}

StoreContents SecretServiceReader::contents(const Depth& depth) {
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (auto contents = try_contents(depth)) {
      return std::move(*contents);
    }
  }
  throw Error(ErrorCode::store_unavailable, "the program that provides the Secret Service changes again and again",
              "end all but one of them; `regsync doctor` tells more");
}

// Nullopt if the provider changed meanwhile.
std::optional<StoreContents> SecretServiceReader::try_contents(const Depth& depth) {
  Answer<std::string> alias;
  Answer<std::vector<std::string>> listed;
  Answer<std::string> session;
  std::vector<Question> first{
      question(read_default_call(), read_path, alias),
      question(property_call(secret_service_path, service_interface, "Collections"), read_paths_property, listed)};
  if (depth.secrets && !has_session()) {  // costs no extra round trip here
    first.push_back(session_question(session));
  }
  client_.ask(first);
  const int provider = client_.provider_changes();
  if (first.size() > 2) {
    keep_session(session);
  }

  StoreContents contents;
  contents.default_collection = object_or_none(client_.value_of(std::move(alias)));
  std::vector<std::string> paths = client_.value_of(std::move(listed));
  const bool default_is_listed = std::ranges::find(paths, contents.default_collection) != paths.end();
  if (!contents.default_collection.empty() && !default_is_listed) {
    paths.push_back(contents.default_collection);
  }

  struct Answers {
    Answer<bool> locked;
    Answer<std::chrono::sys_seconds> made;
    std::vector<Answer<std::vector<std::string>>> items;  // of each schema
  };
  std::vector<Answers> answers(paths.size());
  std::vector<Question> questions;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    questions.push_back(
        question(property_call(paths[i], collection_interface, "Locked"), read_boolean_property, answers[i].locked));
    if (depth.all_in_full) {
      questions.push_back(question(collection_call(paths[i]), read_time_made, answers[i].made));
    }
    answers[i].items.resize(schemas_.size());
    for (std::size_t k = 0; k < schemas_.size(); ++k) {
      questions.push_back(question(search_call(paths[i], schemas_[k], nullptr), read_paths, answers[i].items[k]));
    }
  }
  client_.ask(questions);
  std::vector<Found> items;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    // KeePassXC's alias may still name a database whose tab is closed.
    if (!default_is_listed && paths[i] == contents.default_collection && answers[i].locked.error &&
        is_gone(*answers[i].locked.error)) {
      contents.default_collection.clear();
      continue;
    }
    contents.collections.push_back({.path = paths[i],
                                    .label = {},
                                    .locked = client_.value_of(std::move(answers[i].locked)),
                                    .is_default = paths[i] == contents.default_collection,
                                    .created = answers[i].made.value.value_or(std::chrono::sys_seconds())});
    for (std::size_t k = 0; k < schemas_.size(); ++k) {
      for (std::string& path : client_.value_of(std::move(answers[i].items[k]))) {
        items.push_back({std::move(path), contents.collections.size() - 1, schemas_[k]});
      }
    }
  }
  ask_labels(contents.collections, depth.all_in_full);
  read_items(contents, items, depth);
  if (client_.provider_changes() != provider) {
    return std::nullopt;
  }
  return contents;
}

// Messages name the locked collections. A collection whose label cannot be read has none.
void SecretServiceReader::ask_labels(std::vector<StoreCollection>& collections, bool all) {
  std::vector<Answer<std::string>> answers(collections.size());
  std::vector<Question> questions;
  for (std::size_t i = 0; i < collections.size(); ++i) {
    if (all || collections[i].locked) {
      questions.push_back(question(property_call(collections[i].path, collection_interface, "Label"),
                                   read_string_property, answers[i]));
    }
  }
  client_.ask(questions);
  for (std::size_t i = 0; i < collections.size(); ++i) {
    collections[i].label = std::move(answers[i].value).value_or("");
  }
}

std::vector<Answer<StoredItem>> SecretServiceReader::ask_items(const std::vector<Found>& found, const Depth& depth) {
  std::vector<Answer<StoredItem>> answers(found.size());
  std::vector<std::size_t> in_full(found.size());
  std::iota(in_full.begin(), in_full.end(), 0U);
  const auto ask = [&](BusCall (*call)(const std::string&), StoredItem (*read)(sd_bus_message*)) {
    std::vector<Question> questions;
    questions.reserve(in_full.size());
    for (const std::size_t i : in_full) {
      answers[i].value.reset();
      questions.push_back(question(call(found[i].path), read, answers[i]));
    }
    client_.ask(questions);
  };
  if (!depth.all_in_full) {
    ask(item_login_call, read_item_login);
    std::map<RegistryKey, std::vector<std::size_t>> items_of;
    std::vector<std::size_t> nameless;  // these are unreadable logins if they are locked
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].value && answers[i].value->login.server.empty()) {
        nameless.push_back(i);
      } else if (answers[i].value) {
        items_of[stored_key(found[i].schema, answers[i].value->login.server)].push_back(i);
      }
    }
    in_full = std::move(nameless);
    for (const auto& [key, items] : items_of) {
      if ((depth.in_full != nullptr && key == *depth.in_full) || items.size() > 1) {
        in_full.insert(in_full.end(), items.begin(), items.end());
      }
    }
  }
  ask(item_call, read_item);
  return answers;
}

void SecretServiceReader::read_items(StoreContents& contents, const std::vector<Found>& found, const Depth& depth) {
  auto answers = ask_items(found, depth);
  std::vector<std::size_t> vanished;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const StoreCollection& collection = contents.collections[found[i].collection];
    if (const auto& error = answers[i].error; error && is_gone(*error)) {
      vanished.push_back(i);
    } else if (error && error->name == bus_odd_answer_name) {
      ++contents.unreadable;
    } else {
      StoredItem item = client_.value_of(std::move(answers[i]));
      item.path = found[i].path;
      item.collection = collection.path;
      item.schema = found[i].schema;
      item.locked = item.locked || collection.locked;
      if (!item.login.server.empty()) {
        contents.items.push_back(std::move(item));
      } else if (item.locked) {
        ++contents.unreadable;
      }  // otherwise another program's, without a server: not a login
    }
  }
  if (!vanished.empty()) {
    // A failing service may report any item as gone: trust only a search that does not return it.
    std::set<std::pair<std::size_t, const char*>> searches;
    for (const std::size_t i : vanished) {
      searches.emplace(found[i].collection, found[i].schema);
    }
    for (const auto& [collection, schema] : searches) {
      const std::string& path = contents.collections[collection].path;
      const auto present = client_.ask(search_call(path, schema, nullptr), read_paths);
      contents.unreadable += static_cast<std::size_t>(std::ranges::count_if(vanished, [&](std::size_t i) {
        return found[i].collection == collection && found[i].schema == schema &&
               std::ranges::find(present, found[i].path) != present.end();
      }));
    }
  }
  contents.sort();
}

std::optional<ChangedItems> SecretServiceReader::changed_items(const std::vector<std::string>& paths) {
  Answer<std::string> alias;
  std::vector<Answer<StoredItem>> answers(paths.size());
  std::vector<Question> questions{question(read_default_call(), read_path, alias)};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    questions.push_back(question(item_call(paths[i]), read_any_item, answers[i]));
  }
  client_.ask(questions);
  if (alias.error) {
    return std::nullopt;
  }
  ChangedItems changed{.items = {}, .default_collection = object_or_none(*std::move(alias.value))};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (answers[i].error) {
      return std::nullopt;
    }
    StoredItem item = std::move(*answers[i].value);
    item.path = paths[i];
    const auto is_its_schema = [&](std::string_view schema) { return item.schema != nullptr && schema == item.schema; };
    if (std::ranges::none_of(schemas_, is_its_schema)) {
      item.schema = nullptr;
    }
    changed.items.push_back(std::move(item));
  }
  return changed;
}

std::vector<std::string> SecretServiceReader::hidden_in(const std::vector<StoreCollection>& collections,
                                                        const RegistryKey& key,
                                                        const std::vector<std::string>& servers) {
  const std::string account(key.account());
  std::vector<std::string> locked;
  for (const StoreCollection& collection : collections) {
    if (collection.locked) {
      locked.push_back(collection.path);
    }
  }
  std::vector<Answer<std::vector<std::string>>> answers(locked.size() * servers.size());
  std::vector<Question> questions;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    questions.push_back(question(hidden_search_call(locked[i / servers.size()], account, servers[i % servers.size()]),
                                 read_paths, answers[i]));
  }
  client_.ask(questions);
  std::vector<std::string> holders;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::string& collection = locked[i / servers.size()];
    if (answers[i].value && !answers[i].value->empty() && (holders.empty() || holders.back() != collection)) {
      holders.push_back(collection);
    }
  }
  return holders;
}

Question SecretServiceReader::session_question(Answer<std::string>& answer) const {
  return question({secret_service_path, service_interface, "OpenSession", arguments("sv", "plain", "s", "")},
                  read_session, answer);
}

// Names can be read even if the provider refuses the session.
void SecretServiceReader::keep_session(const Answer<std::string>& answer) {
  session_ = answer.value.value_or("");
  session_owner_ = client_.provider_name();
  session_error_ = answer.error;
}

bool SecretServiceReader::has_session() const { return !session_.empty() && session_owner_ == client_.provider_name(); }

void SecretServiceReader::open_session() {
  Answer<std::string> answer;
  client_.ask({session_question(answer)});
  keep_session(answer);
}

std::optional<BusError> SecretServiceReader::with_session(const std::function<bool(const std::string& session)>& work) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!has_session()) {
      open_session();
    }
    if (session_error_) {
      return session_error_;
    }
    if (work(session_)) {
      break;
    }
    session_.clear();
  }
  return std::nullopt;
}

std::vector<Answer<SecretString>> SecretServiceReader::secrets(const std::vector<StoredItem>& items) {
  std::vector<Answer<SecretString>> answers(items.size());
  if (items.empty()) {
    return answers;
  }
  std::vector<std::size_t> open(items.size());
  std::iota(open.begin(), open.end(), 0U);
  const auto refused = with_session([&](const std::string& session) {
    std::vector<Question> questions;
    for (const std::size_t i : open) {
      questions.push_back(question(secret_call(items[i].path, session), read_secret, answers[i]));
    }
    client_.ask(questions);
    std::erase_if(open, [&](std::size_t i) { return !answers[i].error || !is_no_session(*answers[i].error); });
    return open.empty();
  });
  if (refused) {
    for (const std::size_t i : open) {
      answers[i].error = refused;
    }
  }
  return answers;
}

std::optional<bool> SecretServiceReader::default_lock() {
  const std::string collection = client_.ask(read_default_call(), read_path);
  if (collection == "/") {
    return std::nullopt;
  }
  return client_.ask(property_call(collection, collection_interface, "Locked"), read_boolean_property);
}

std::optional<Credential> SecretServiceReader::lookup(const char* schema, const std::string& server) {
  Answer<std::string> alias;
  Answer<std::string> session;
  std::vector<Question> first{question(read_default_call(), read_path, alias)};
  if (!has_session()) {
    first.push_back(session_question(session));
  }
  client_.ask(first);
  const std::string collection = client_.value_of(std::move(alias));
  if (first.size() > 1) {
    keep_session(session);
  }
  if (collection == "/" || session_.empty()) {
    return std::nullopt;
  }
  Answer<std::vector<std::string>> found;
  Answer<bool> locked;
  client_.ask({question(search_call(collection, schema, &server), read_paths, found),
               question(property_call(collection, collection_interface, "Locked"), read_boolean_property, locked)});
  if (!found.value || found.value->size() != 1 || locked.value.value_or(true)) {
    return std::nullopt;
  }
  Answer<StoredItem> item;
  Answer<SecretString> secret;
  client_.ask({question(item_login_call(found.value->front()), read_item_login, item),
               question(secret_call(found.value->front(), session_), read_secret, secret)});
  const auto is_the_one = [&](const StoredItem& seen) {
    return seen.login.server == server && (seen.schema == nullptr || seen.schema == std::string_view(schema));
  };
  if (!item.value || !is_the_one(*item.value) || !secret.value) {
    // The item is locked, was replaced meanwhile, or matched only some attributes; or the session's service is gone.
    // The full reading handles these.
    return std::nullopt;
  }
  return Credential{std::move(item.value->login), std::move(*secret.value)};
}

}  // namespace regsync
