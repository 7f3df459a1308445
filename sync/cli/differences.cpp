#include "sync/cli/differences.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "sync/cli/manifest.hpp"
#include "sync/cli/plans.hpp"
#include "sync/footprint.hpp"
#include "sync/secret_object.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr int page_size = 500;

struct Snapshot {
  std::map<std::string, NamespaceView> namespaces;
  bool namespaces_complete = false;
  std::map<Key, json> secrets;
};

kube::ObjectPath path_of(const char* resource, std::string name_space = {}, std::string name = {}) {
  kube::ObjectPath path;
  path.resource = resource;
  path.name_space = std::move(name_space);
  path.name = std::move(name);
  return path;
}

asio::awaitable<std::vector<json>> list_all(kube::KubeClient& client, kube::ObjectPath collection,
                                            kube::ListOptions options) {
  std::vector<json> items;
  options.limit = page_size;
  do {
    json page = co_await client.list(collection, options);
    for (json& item : page["items"]) items.push_back(std::move(item));
    options.continue_token = page["metadata"].value("continue", std::string());
  } while (!options.continue_token.empty());
  co_return items;
}

asio::awaitable<void> read_namespaces(kube::KubeClient& client, Snapshot& snapshot) {
  kube::ListOptions options;
  options.metadata_only = true;
  std::vector<json> items = co_await list_all(client, path_of("namespaces"), options);
  for (const json& item : items) {
    const json& metadata = item.at("metadata");
    NamespaceView view;
    view.terminating = metadata.contains("deletionTimestamp");
    if (metadata.contains("labels")) view.labels = std::make_unique<const Labels>(metadata["labels"].get<Labels>());
    snapshot.namespaces.emplace(metadata.at("name").get<std::string>(), std::move(view));
  }
  snapshot.namespaces_complete = true;
}

asio::awaitable<void> read_one(kube::KubeClient& client, Key key, Snapshot& snapshot) {
  try {
    json secret = co_await client.get(path_of("secrets", key.name_space, key.secret));
    snapshot.secrets.emplace(std::move(key), std::move(secret));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) throw;
  }
}

asio::awaitable<void> read_everywhere(kube::KubeClient& client, std::string name, Snapshot& snapshot) {
  kube::ListOptions options;
  options.field_selector = "metadata.name=" + name;
  std::vector<json> items = co_await list_all(client, path_of("secrets"), options);
  for (json& item : items) {
    item["apiVersion"] = "v1";  // the items of a list lack both
    item["kind"] = "Secret";
    Key key{item.at("metadata").at("namespace").get<std::string>(), name};
    snapshot.secrets.emplace(std::move(key), std::move(item));
  }
}

asio::awaitable<Snapshot> read_cluster(kube::KubeClient& client, Places places) {
  Snapshot snapshot;
  bool everywhere = false;
  for (const auto& [name, scope] : places.secrets) everywhere = everywhere || scope.all;
  try {
    co_await read_namespaces(client, snapshot);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::forbidden || everywhere) throw;  // plain names do not need the list
  }
  for (const auto& [name, scope] : places.secrets) {
    if (scope.all) {
      co_await read_everywhere(client, name, snapshot);
      continue;
    }
    for (const std::string& name_space : scope.namespaces) {
      Key key{name_space, name};
      co_await read_one(client, std::move(key), snapshot);
    }
  }
  co_return snapshot;
}

std::set<Key> keys_of(const Snapshot& snapshot, const Places& places) {
  std::set<Key> keys;
  for (const auto& [key, secret] : snapshot.secrets) keys.insert(key);
  for (const auto& [name, scope] : places.secrets) {
    for (const std::string& name_space : scope.namespaces) keys.insert({name_space, name});
    for (const auto& [name_space, view] : snapshot.namespaces)
      if (scope.all) keys.insert({name_space, name});
  }
  return keys;
}

// As a server-side apply leaves it: what others added to the object stays.
json apply_to(const json& live, json manifest, const std::string& name_space) {
  manifest["metadata"]["namespace"] = name_space;
  if (live.is_null()) return manifest;
  json result = live;
  result.merge_patch(manifest);
  return result;
}

void compare(const Key& key, const DesiredState& desired, const Snapshot& snapshot, const Owner& owner,
             const std::string& context, Differences& found) {
  const auto name_space = snapshot.namespaces.find(key.name_space);
  const auto secret = snapshot.secrets.find(key);
  const json live = secret == snapshot.secrets.end() ? json() : secret->second;
  std::optional<SecretView> view;
  if (!live.is_null()) view = view_secret(live, owner.id);

  Facts facts;
  facts.name_space = name_space == snapshot.namespaces.end() ? nullptr : &name_space->second;
  facts.namespaces_complete = snapshot.namespaces_complete;
  facts.secret = view ? &*view : nullptr;
  const Decision decision = desired.decide(key, facts);

  if (decision.cause) found.obstacles.push_back({context + "/" + key.name_space, *decision.cause});
  json after;
  if (decision.action == Action::nothing) return;
  if (decision.action != Action::remove) {
    const Payload payload = payload_for(*decision.plan, live);
    after = apply_to(live, make_manifest(*decision.plan, owner.annotation, payload.base64()), key.name_space);
    if (after == live) return;
  }
  auto [shown_before, shown_after] = mask(live, after);
  found.changes.push_back({context, key.name_space, key.secret, std::move(shown_before), std::move(shown_after)});
}

}  // namespace

asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, Differences& found) {
  const std::string default_namespace = client.context().default_namespace;
  Places places;
  DesiredState::Plans by_name;
  std::set<std::string> names;
  for (const auto& plan : plans) {
    places.merge(places_of(plan->target, default_namespace));
    by_name.emplace(plan->target.name, plan);
    names.insert(plan->target.name);
  }
  const DesiredState desired(default_namespace, std::move(by_name), {}, std::move(names));
  const Snapshot snapshot = co_await read_cluster(client, places);
  for (const Key& key : keys_of(snapshot, places)) compare(key, desired, snapshot, owner, client.context().name, found);
}

}  // namespace regsync::cli
