// WatchIntake stores the objects of lists and watches in the cache, and reports which keys and namespaces changed.
//
// An object from outside may have any shape: one that cannot be what was asked for (no usable name, or the server
// ignores selectors) is dropped. One io_context thread; owned by ClusterWatches.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/watch_table.hpp"
#include "sync/kube/api/watcher.hpp"
#include "sync/model/key.hpp"

namespace regsync {

class WatchIntake {
 public:
  struct Handlers {
    std::function<void(const Key&)> on_secret_seen;         // a Secret was reported, changed or not
    std::function<void(const Key&)> on_key;                 // a Secret changed, and can be trusted
    std::function<void(const std::string&)> on_relabelled;  // the labels of a known namespace changed
    std::function<void(const std::string&)> on_namespace;   // a namespace, or a ServiceAccount in it, changed
  };

  // cache and table must outlive this.
  WatchIntake(ClusterCache& cache, const WatchTable& table, std::string owner_id, Handlers handlers)
      : cache_(cache), table_(table), owner_id_(std::move(owner_id)), handlers_(std::move(handlers)) {}

  // Stores an object that a watch reports as present or gone.
  void take(const Watch& watch, const kube::WatchEvent& event);
  // The list of a watch is complete: what it did not deliver is gone.
  void end_list(const Watch& watch);

 private:
  void take_namespace(const std::string& name, const kube::WatchEvent& event);
  void take_secret(const Watch& watch, const Key& key, const kube::WatchEvent& event);
  void take_account(const Watch& watch, const std::string& name_space, const std::string& name,
                    const kube::WatchEvent& event);

  ClusterCache& cache_;
  const WatchTable& table_;
  std::string owner_id_;
  Handlers handlers_;
};

}  // namespace regsync
