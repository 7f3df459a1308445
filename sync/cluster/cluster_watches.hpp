// Keeps a ClusterCache equal to its cluster: runs the lists and watches that plan_watches() asks for, and says how far
// the cache can be believed.
//
// Nothing that a server sends ends a watch for good: an object that is odd is dropped, and a watch that fails by a
// defect begins anew. Lives on the io_context thread; owned by its Cluster.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sync/base/async_event.hpp"
#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/label_gaps.hpp"
#include "sync/cluster/watch.hpp"
#include "sync/cluster/watch_plan.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/api/watcher.hpp"
#include "sync/model/places.hpp"

namespace regsync {

class ClusterWatches {
 public:
  struct Handlers {
    std::function<void(const Key&)> on_key;                // what is known of it may have changed
    std::function<void(const std::string&)> on_namespace;  // a namespace, or ServiceAccounts in it, changed
    std::function<void(const std::string&)> on_secret;     // the keys of a Secret name may be trusted now
    std::function<void()> on_everything;                   // what may be trusted changed: all keys are concerned
    std::function<void()> on_restart;                      // a list had to be made again
    std::function<void()> on_health;                       // problem() may have changed
  };

  // client and cache outlive this. few: see plan_watches.
  ClusterWatches(asio::any_io_executor executor, kube::KubeClient& client, ClusterCache& cache, std::string owner_id,
                 int few, Handlers handlers);
  ~ClusterWatches();
  ClusterWatches(const ClusterWatches&) = delete;
  ClusterWatches& operator=(const ClusterWatches&) = delete;
  ClusterWatches(ClusterWatches&&) = delete;
  ClusterWatches& operator=(ClusterWatches&&) = delete;

  // Starts and ends watches so that exactly these places are followed.
  void follow(const Places& places);

  // How far the cache can be believed about a key.
  enum class Trust {
    not_yet,    // the first list is on its way
    followed,   // the cache is the truth
    labelled,   // it is the truth about what has our label: read before a create
    on_demand,  // no right to watch: read before deciding
  };
  [[nodiscard]] Trust trust(const Key& key) const;

  // A request told something of a Secret: one that stands in the way without our label is followed from now on.
  void check(const Key& key);

  // Whether the cache shows every Secret of this name that may be ours: the places to look at were all readable.
  [[nodiscard]] bool covers(const std::string& secret) const;

  // Whether every ServiceAccount that matters is known, as far as rights go.
  [[nodiscard]] bool knows_all_accounts() const;

  // No list is on its way, but for those that have failed at least once.
  [[nodiscard]] bool settled() const;
  // Everything was listed once, or may not be.
  [[nodiscard]] bool listed() const;

  // What keeps a list or watch from working now; nothing when all work.
  [[nodiscard]] std::optional<Error> problem() const;
  // Why namespaces cannot be listed: globs and selectors then cannot be answered.
  [[nodiscard]] std::optional<Error> namespaces_forbidden() const;

  // Between these two the events of Secrets wait at the server (for half a minute at most), and all that is known stays
  // trusted. For a bulk of writes: to be told of each one costs a busy API server a sixth of its work.
  void hold_secrets();
  void release_secrets();

  // Lists everything anew, now: rights may have been granted, the network be back, the server be restored from a
  // backup. What is known stays trusted until the new lists are complete.
  void relist();

  // Cancels all watches and returns when they have ended.
  asio::awaitable<void> stop();

 private:
  [[nodiscard]] Watch* find(const WatchId& id) const;
  [[nodiscard]] WatchStage stage_of(const WatchId& id) const;
  [[nodiscard]] bool follows_label() const;
  [[nodiscard]] bool label_shows(const std::string& name_space, const std::string& secret) const;
  [[nodiscard]] bool is_in_view(const Key& key) const;
  [[nodiscard]] bool is_hidden(const Key& key) const;
  [[nodiscard]] bool knows_accounts(const std::string& name_space) const;
  void refresh();  // starts and ends watches until they are those of plan_watches()
  void collect_hidden();
  void list_unlisted(Watch& watch);
  void start(const WatchId& id);
  void run_guarded(const std::shared_ptr<Watch>& watch, std::chrono::milliseconds delay);
  static void end(Watch& watch);
  asio::awaitable<void> run(std::shared_ptr<Watch> watch, std::chrono::milliseconds delay);
  asio::awaitable<void> follow_until_cancelled(std::shared_ptr<Watch> watch);
  void on_event(Watch& watch, const kube::WatchEvent& event);
  void on_object(Watch& watch, const kube::WatchEvent& event);
  void on_listed(Watch& watch);
  void on_forbidden(Watch& watch, Error why);
  void on_namespace(const kube::WatchEvent& event);
  void on_secret(Watch& watch, const Key& key, const kube::WatchEvent& event);
  void on_service_account(Watch& watch, const kube::WatchEvent& event);

  asio::any_io_executor executor_;
  kube::KubeClient& client_;
  ClusterCache& cache_;
  std::string owner_id_;
  int few_;
  Handlers handlers_;
  Places places_;
  HiddenSecrets hidden_;  // empty where no watch is by label
  // Shared with the coroutine that runs each: one that is not wanted any more leaves the map at once and ends later.
  std::map<WatchId, std::shared_ptr<Watch>> watches_;
  int running_ = 0;
  bool stopping_ = false;
  bool holding_ = false;
  AsyncEvent ended_;
  AsyncEvent retry_;
  AsyncEvent release_;
};

}  // namespace regsync
