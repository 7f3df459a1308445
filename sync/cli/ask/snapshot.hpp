// Reads once what one cluster holds for some targets. One io_context thread.
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
  bool namespaces_complete = false;  // listed in full; else a namespace that is not here may exist
  std::map<Key, nlohmann::json> secrets;
  std::map<std::string, std::map<std::string, nlohmann::json>> accounts;  // ServiceAccounts by namespace, then name
  // Those that may not be listed, by namespace and name; no name: all of the namespace, which those of a name need not.
  std::map<std::pair<std::string, std::string>, Error> hidden_accounts;

  [[nodiscard]] const NamespaceView* find_namespace(const std::string& name) const;
  // Why it is not known whether there is this ServiceAccount of the places, or which ones their pattern means; nullptr
  // where that is known.
  [[nodiscard]] const Error* find_hidden(const std::string& name_space, const std::string& account) const;
};

// How much of a Secret is needed. Its metadata says whose it is, in a fraction of the bytes.
enum class Detail { whole, metadata };

// Namespaces and Secrets. Throws what the cluster says; namespaces that may not be listed are an error only where
// `places` needs them.
asio::awaitable<Snapshot> read_snapshot(kube::KubeClient& client, Places places, Detail detail = Detail::whole);
// Adds the ServiceAccounts, for who compares them too. The names and namespaces of all targets are put together, so
// that a list may be forbidden which no target needs: it throws what the cluster says but that.
asio::awaitable<void> read_accounts(kube::KubeClient& client, Places places, Snapshot& snapshot);

// All namespaces. Throws what the cluster says.
asio::awaitable<std::map<std::string, NamespaceView>> read_namespaces(kube::KubeClient& client);
asio::awaitable<std::vector<std::string>> namespace_names(kube::KubeClient& client);

// Every object of a collection, page by page. Throws what the cluster says.
asio::awaitable<std::vector<nlohmann::json>> list_all(kube::KubeClient& client, kube::ObjectPath collection,
                                                      kube::ListOptions options);

// Every key that `places` could mean: the plain names, the namespaces that exist, and where Secrets are.
std::set<Key> keys_of(const Snapshot& snapshot, const Places& places);

}  // namespace regsync::cli
