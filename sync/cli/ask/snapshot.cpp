#include "sync/cli/ask/snapshot.hpp"

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/json_access.hpp"
#include "sync/cluster/namespace_view.hpp"
#include "sync/cluster/watch_plan.hpp"
#include "sync/kube/api/api_error.hpp"
#include "sync/kube/api/pages.hpp"
#include "sync/model/names.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr int page_size = 500;

kube::ObjectPath path_of(const char* resource, std::string name_space = {}, std::string name = {}) {
  kube::ObjectPath path;
  path.resource = resource;
  path.name_space = std::move(name_space);
  path.name = std::move(name);
  return path;
}

asio::awaitable<void> read_one(kube::KubeClient& client, Key key, Snapshot& snapshot) {
  try {
    json secret = co_await client.get(path_of("secrets", key.name_space, key.secret));
    snapshot.secrets.emplace(std::move(key), std::move(secret));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
  }
}

asio::awaitable<void> read_everywhere(kube::KubeClient& client, std::string name, Detail detail, Snapshot& snapshot) {
  kube::ListOptions options;
  options.field_selector = "metadata.name=" + name;
  options.metadata_only = detail == Detail::metadata;
  std::vector<json> items = co_await list_all(client, path_of("secrets"), options);
  for (json& item : items) {
    const std::string name_space(text_at(item, {"metadata", "namespace"}));
    if (!is_label_name(name_space) || text_at(item, {"metadata", "name"}) != name) {
      continue;  // the namespace name is invalid, or the server ignores selectors
    }
    item["apiVersion"] = "v1";  // the items of a list lack both
    item["kind"] = "Secret";
    Key key{name_space, name};
    snapshot.secrets.emplace(std::move(key), std::move(item));
  }
}

// Lists the ServiceAccounts of one name; empty: all.
asio::awaitable<void> list_accounts(kube::KubeClient& client, std::string name_space, std::string name,
                                    Snapshot& snapshot) {
  kube::ListOptions options;
  if (!name.empty()) {
    options.field_selector = "metadata.name=" + name;
  }
  std::vector<json> items = co_await list_all(client, path_of("serviceaccounts", name_space), options);
  for (json& item : items) {
    const std::string found_in(text_at(item, {"metadata", "namespace"}));
    const std::string found(text_at(item, {"metadata", "name"}));
    if (is_label_name(found_in) && is_object_name(found) && (name.empty() || name == found)) {
      snapshot.accounts[found_in][found] = std::move(item);
    }
  }
}

}  // namespace

asio::awaitable<std::vector<json>> list_all(kube::KubeClient& client, kube::ObjectPath collection,
                                            kube::ListOptions options) {
  std::vector<json> items;
  options.limit = page_size;
  kube::Pages pages;
  bool more = false;
  do {
    std::function<void(json&&)> keep = [&items](json&& item) { items.push_back(std::move(item)); };
    kube::ListPage page = co_await client.list(collection, options, std::move(keep));
    more = pages.turn(std::move(page.continue_token));
    options.continue_token = pages.token();
  } while (more);
  co_return items;
}

asio::awaitable<std::map<std::string, NamespaceView>> read_namespaces(kube::KubeClient& client) {
  std::map<std::string, NamespaceView> namespaces;
  kube::ListOptions options;
  options.metadata_only = true;
  const std::vector<json> items = co_await list_all(client, path_of("namespaces"), options);
  for (const json& item : items) {
    const std::string_view name = text_at(item, {"metadata", "name"});
    std::optional<NamespaceView> view = view_namespace(item);
    if (is_label_name(name) && view) {
      namespaces.emplace(name, std::move(*view));
    }
  }
  co_return namespaces;
}

const NamespaceView* Snapshot::find_namespace(const std::string& name) const {
  const auto found = namespaces.find(name);
  return found == namespaces.end() ? nullptr : &found->second;
}

const Error* Snapshot::find_hidden(const std::string& name_space, const std::string& account) const {
  const auto found = hidden_accounts.find({name_space, is_glob(account) ? std::string() : account});
  return found == hidden_accounts.end() ? nullptr : &found->second;
}

asio::awaitable<Snapshot> read_snapshot(kube::KubeClient& client, Places places, Detail detail) {
  Snapshot snapshot;
  bool everywhere = false;
  for (const auto& [name, scope] : places.secrets) {
    everywhere = everywhere || scope.any;
  }
  try {
    snapshot.namespaces = co_await read_namespaces(client);
    snapshot.namespaces_complete = true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::forbidden || everywhere) {
      throw;  // namespaces given by name do not need the list
    }
  }
  for (const auto& [name, scope] : places.secrets) {
    bool listed = false;
    if (scope.is_wide()) {
      try {
        co_await read_everywhere(client, name, detail, snapshot);
        listed = true;
      } catch (const kube::UnreadableObject&) {
        if (scope.any) {
          throw;
        }
      } catch (const Error& error) {
        if (error.code() != ErrorCode::forbidden || scope.any) {
          throw;  // Secrets in namespaces given by name can be read one by one
        }
      }
    }
    if (listed) {
      continue;
    }
    for (const std::string& name_space : scope.namespaces) {
      Key key{name_space, name};
      co_await read_one(client, std::move(key), snapshot);
    }
  }
  co_return snapshot;
}

namespace {

// Lists in each of these namespaces; forbidden ones go to hidden_accounts.
asio::awaitable<void> list_accounts_by_namespace(kube::KubeClient& client, std::set<std::string> namespaces,
                                                 std::string name, Snapshot& snapshot) {
  for (const std::string& name_space : namespaces) {
    try {
      co_await list_accounts(client, name_space, name, snapshot);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::forbidden) {
        throw;
      }
      snapshot.hidden_accounts.insert_or_assign({name_space, name}, error);
    }
  }
}

// Lists in all namespaces at once, or, if that is more expensive or forbidden, in those given by name.
asio::awaitable<void> list_accounts_of(kube::KubeClient& client, Scope scope, std::string name, Snapshot& snapshot) {
  std::optional<Error> nowhere_else;
  if (scope.is_wide()) {
    try {
      const std::string all_namespaces;
      co_await list_accounts(client, all_namespaces, name, snapshot);
      co_return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::forbidden) {
        throw;
      }
      nowhere_else = error;
    }
  }
  co_await list_accounts_by_namespace(client, scope.namespaces, name, snapshot);
  if (scope.any && nowhere_else) {
    for (const auto& [name_space, view] : snapshot.namespaces) {
      if (!scope.namespaces.contains(name_space)) {
        snapshot.hidden_accounts.insert_or_assign({name_space, name}, *nowhere_else);
      }
    }
  }
}

// Returns the part of a scope that the list of all accounts did not cover.
Scope hidden_part_of(const Scope& scope, const Snapshot& snapshot) {
  Scope hidden;
  for (const auto& [place, error] : snapshot.hidden_accounts) {
    if (scope.namespaces.contains(place.first)) {
      hidden.namespaces.insert(place.first);
    } else {
      hidden.any = true;
    }
  }
  return hidden;
}

}  // namespace

asio::awaitable<void> read_accounts(kube::KubeClient& client, Places places, Snapshot& snapshot) {
  Scope scope;
  for (const auto& [name, each] : places.secrets) {
    scope.merge(each);
  }
  for (const std::string& name : watched_accounts(places)) {
    co_await list_accounts_of(client, scope, name, snapshot);
    if (name.empty()) {
      scope = hidden_part_of(scope, snapshot);
    }
  }
}

asio::awaitable<std::vector<std::string>> namespace_names(kube::KubeClient& client) {
  const std::map<std::string, NamespaceView> namespaces = co_await read_namespaces(client);
  std::vector<std::string> names;
  for (const auto& [name, view] : namespaces) {
    names.push_back(name);
  }
  co_return names;
}

std::set<Key> keys_of(const Snapshot& snapshot, const Places& places) {
  std::set<Key> keys;
  for (const auto& [key, secret] : snapshot.secrets) {
    keys.insert(key);
  }
  for (const auto& [name, scope] : places.secrets) {
    for (const std::string& name_space : scope.namespaces) {
      keys.insert({name_space, name});
    }
    for (const auto& [name_space, view] : snapshot.namespaces) {
      if (scope.any) {
        keys.insert({name_space, name});
      }
    }
  }
  return keys;
}

}  // namespace regsync::cli
