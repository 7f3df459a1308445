// Reads the objects of one cluster that concern some targets, once. One io_context thread.
#pragma once

#include <asio/awaitable.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync::cli {

struct Snapshot {
  std::map<std::string, NamespaceView> namespaces;
  bool namespaces_complete = false;  // whether `namespaces` has all; otherwise others may exist
  std::map<Key, nlohmann::json> secrets;
  std::map<std::string, std::map<std::string, nlohmann::json>> accounts;  // ServiceAccounts by namespace, then name
  // ServiceAccounts that may not be listed, by namespace and name; no name: listing all of the namespace is forbidden,
  // although single names may be allowed.
  std::map<std::pair<std::string, std::string>, Error> hidden_accounts;

  [[nodiscard]] const NamespaceView* find_namespace(const std::string& name) const;
  // Returns why it is unknown whether this ServiceAccount exists, or which ones the pattern matches; nullptr if that is
  // known.
  [[nodiscard]] const Error* find_hidden(const std::string& name_space, const std::string& account) const;
};

// How much of a Secret to read. The metadata is enough to see who owns it, and is much smaller.
enum class Detail { whole, metadata };

// Reads namespaces and Secrets. Throws the API server's errors; a forbidden list of namespaces is an error only if
// `places` needs it.
asio::awaitable<Snapshot> read_snapshot(kube::KubeClient& client, Places places, Detail detail = Detail::whole);
// Adds the ServiceAccounts, for callers that compare them too. Throws the API server's errors except Forbidden: since
// the names and namespaces of all targets are combined, a forbidden list may be one that no target needs.
asio::awaitable<void> read_accounts(kube::KubeClient& client, Places places, Snapshot& snapshot);

// Reads all namespaces. Throws the API server's errors.
asio::awaitable<std::map<std::string, NamespaceView>> read_namespaces(kube::KubeClient& client);
asio::awaitable<std::vector<std::string>> namespace_names(kube::KubeClient& client);

// Reads all objects of a collection, page by page. Throws the API server's errors.
asio::awaitable<std::vector<nlohmann::json>> list_all(kube::KubeClient& client, kube::ObjectPath collection,
                                                      kube::ListOptions options);

// Returns every key that `places` can select: in namespaces given by name, in existing namespaces, and where Secrets
// exist.
std::set<Key> keys_of(const Snapshot& snapshot, const Places& places);

}  // namespace regsync::cli
