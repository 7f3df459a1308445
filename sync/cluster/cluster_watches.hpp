// ClusterWatches keeps a ClusterCache in line with its cluster: it runs the lists and watches that plan_watches() asks
// for, and reports how far the cache can be trusted.
//
// Nothing that a server sends ends a watch for good: malformed objects are dropped, and a watch that fails because of a
// defect starts over. Lives on the io_context thread; owned by its Cluster.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "sync/base/async_event.hpp"
#include "sync/base/task_group.hpp"
#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/label_grace.hpp"
#include "sync/cluster/watch.hpp"
#include "sync/cluster/watch_intake.hpp"
#include "sync/cluster/watch_plan.hpp"
#include "sync/cluster/watch_table.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/api/watcher.hpp"
#include "sync/model/places.hpp"

namespace regsync {

class ClusterWatches {
 public:
  struct Handlers {
    std::function<void(const Key&)> on_key;                // its known state may have changed
    std::function<void(const std::string&)> on_namespace;  // a namespace, or ServiceAccounts in it, changed
    std::function<void(const std::string&)> on_secret;     // the keys of a Secret name can be trusted now
    std::function<void()> on_everything;                   // trust changed for all keys
    std::function<void()> on_restart;                      // a list had to be repeated
    std::function<void()> on_health;                       // problem() may have changed
    std::function<void()> on_cut;  // another cluster may be answering, though there was no problem
  };

  struct Options {
    int few = few_watches;                                  // see plan_watches
    std::chrono::milliseconds label_grace = default_grace;  // when changed labels of a namespace count as settled
  };

  // client and cache must outlive this.
  ClusterWatches(asio::any_io_executor executor, kube::KubeClient& client, ClusterCache& cache, std::string owner_id,
                 const Options& options, Handlers handlers);
  ~ClusterWatches();
  ClusterWatches(const ClusterWatches&) = delete;
  ClusterWatches& operator=(const ClusterWatches&) = delete;
  ClusterWatches(ClusterWatches&&) = delete;
  ClusterWatches& operator=(ClusterWatches&&) = delete;

  // Starts and ends watches so that exactly these places are followed.
  void follow(std::shared_ptr<const Places> places);

  // How far the cache can be trusted.
  [[nodiscard]] const WatchTable& table() const { return table_; }
  [[nodiscard]] Trust trust(const Key& key) const { return table_.trust(key); }

  // A request returned a Secret: one that is in the way and lacks our label is watched from now on.
  void check(const Key& key);

  // Between these two calls the server holds back Secret events (for 30 s at most), and the cache stays trusted. Used
  // for bulk writes: an event for each write costs a busy API server a sixth of its work.
  void hold_secrets();
  void release_secrets();

  // Lists everything again now: rights may have been granted, the network may be back, the server may have been
  // restored from a backup. The cache stays trusted until the new lists are complete.
  void relist();
  // New credentials are in use: retries what was forbidden.
  void ask_forbidden_again();
  // How often permissions may have grown: either of the two above was called, or a forbidden list succeeded.
  [[nodiscard]] std::size_t grants() const { return grants_; }

  // Cancels all watches and waits until they have ended.
  asio::awaitable<void> stop();

 private:
  [[nodiscard]] bool is_hidden(const Key& key) const;
  void refresh();  // starts and ends watches until they match plan_watches()
  void collect_hidden();
  void list_unlisted(Watch& watch);
  void start(const WatchId& id);
  void run_guarded(const std::shared_ptr<Watch>& watch, std::chrono::milliseconds delay);
  static void end(Watch& watch);
  asio::awaitable<void> run(std::shared_ptr<Watch> watch, std::chrono::milliseconds delay);
  asio::awaitable<void> follow_until_cancelled(std::shared_ptr<Watch> watch);
  void on_event(Watch& watch, const kube::WatchEvent& event);
  void on_listed(Watch& watch);
  void on_forbidden(Watch& watch, Error why);
  void on_settled(const std::string& name_space);

  kube::KubeClient& client_;
  ClusterCache& cache_;
  int few_;
  Handlers handlers_;
  WatchTable table_;
  LabelGrace label_grace_;
  WatchIntake intake_;
  bool stopping_ = false;
  bool holding_ = false;
  std::size_t grants_ = 0;
  TaskGroup tasks_;
  AsyncEvent retry_;
  AsyncEvent release_;
};

}  // namespace regsync
