// Cluster is one context: its client, cache, watches, queue and reconciler. Contexts do not wait for each other.
//
// Lives on the io_context thread. Shared: the ContextSet calls stop() before it drops one, and a coroutine that awaits
// settled() keeps it alive until then.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/cluster_health.hpp"
#include "sync/cluster/cluster_options.hpp"
#include "sync/cluster/cluster_watches.hpp"
#include "sync/cluster/healer.hpp"
#include "sync/cluster/key_sweep.hpp"
#include "sync/cluster/reconciler.hpp"
#include "sync/cluster/standings.hpp"
#include "sync/cluster/work_queue.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/places.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// The rows of a context's status that may have changed: those of these targets, and those about Secrets of this name
// that other targets left behind. An empty name means all rows.
struct ChangedRows {
  std::string secret = {};
  std::vector<std::string> targets = {};

  [[nodiscard]] bool are_all() const { return secret.empty(); }
};

class Cluster {
 public:
  using OnChange = std::function<void(const ChangedRows&)>;

  // on_change: the status may have changed. Throws Error(kubeconfig) if the context's certificates cannot be used.
  Cluster(asio::any_io_executor executor, kube::ResolvedContext context, const ClusterOptions& options,
          OnChange on_change);
  // The same over another transport, for tests.
  Cluster(asio::any_io_executor executor, kube::ResolvedContext context, std::unique_ptr<kube::HttpTransport> transport,
          const ClusterOptions& options, OnChange on_change);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  Cluster(Cluster&&) = delete;
  Cluster& operator=(Cluster&&) = delete;
  ~Cluster() = default;

  [[nodiscard]] const kube::ResolvedContext& context() const { return client_.context(); }

  // Switches to new credentials from the kubeconfig for this cluster (kube::same_connection), from the next request on.
  // What failed is retried; lists and watches that work are kept. Throws Error(kubeconfig) if the credentials cannot be
  // used; the previous ones then stay.
  void use_credentials_of(kube::ResolvedContext context);

  // Sets the desired state, and the places that matter for it (at least those in the desired state).
  void set_desired(std::shared_ptr<const DesiredState> desired, std::shared_ptr<const Places> places);
  // The same where only the plans for Secrets of these names differ.
  void set_logins(std::shared_ptr<const DesiredState> desired, const std::set<std::string>& secrets);

  // Lists everything again and retries everything now, regardless of backoff.
  void kick();
  // Takes over, once, the Secrets that these targets claim and others hold now. Without targets: those of all targets
  // that the same user made on the same machine under another owner id. A Secret that cannot be taken over yet stays a
  // candidate until end_adoptions(), but one that somebody creates in its place does not.
  void adopt(const std::vector<std::string>& targets);
  void end_adoptions();

  // Releases memory that only requests need, if there were none recently.
  IdleRelease release_idle_memory() { return client_.release_idle_memory(); }

  // Returns once every first list has arrived or failed and every key has been tried.
  asio::awaitable<void> settled();

  // Whether a Secret of a target for which is_asked() is true will be deleted once the labels of its namespace are
  // settled.
  [[nodiscard]] bool awaits_labels(const std::function<bool(const std::string& target)>& is_asked) const;

  [[nodiscard]] ContextStatus status() const;
  // Whether everything was listed once, or is forbidden, and there is no problem now.
  [[nodiscard]] bool connected() const { return watches_.table().listed() && !health_.problem; }
  // How often a watch was cut without any problem: afterwards, another cluster may be answering.
  [[nodiscard]] std::size_t cuts() const { return cuts_; }
  // How often permissions may have grown: requests that were refused may be retried.
  [[nodiscard]] std::size_t grants() const { return watches_.grants(); }
  // Whether anything answers at its address: at least one list was answered, even if others fail.
  [[nodiscard]] bool answers() const;
  // The rows about Secrets of a name.
  [[nodiscard]] ChangedRows rows_about(const std::string& secret) const;
  void add_rows(const std::string& target, std::vector<StatusRow>& rows) const { standings_.add_rows(target, rows); }
  // Adds rows for the Secrets of a removed target that a pause keeps.
  void add_held_rows(const std::string& target, std::vector<StatusRow>& rows) const {
    standings_.add_held_rows(target, rows);
  }
  // Adds rows for places that a removal cannot read: one for each plainly named namespace, and one for all others.
  void add_unread_rows(const std::string& target, const Places& places, std::vector<StatusRow>& rows) const {
    standings_.add_unread_rows(target, places, rows);
  }
  // Why the contents of some of these places are unknown; nothing if all are known.
  [[nodiscard]] std::optional<Error> what_is_unread(const Places& places) const {
    return standings_.what_is_unread(places);
  }
  // Whether it is certain that none of these places holds an unwanted Secret of the target, or a ServiceAccount an
  // unwanted entry.
  [[nodiscard]] bool is_clean_of(const std::string& target, const Places& places) const;
  // Whether it is certain that none of these places holds a Secret of the target, wanted or not.
  [[nodiscard]] bool is_empty_of(const std::string& target, const Places& places) const;
  // What a removed target leaves in these places because it is not regsync's.
  [[nodiscard]] std::vector<Error> left_alone(const std::string& target, const Places& places) const {
    return standings_.left_alone(target, places);
  }
  [[nodiscard]] std::size_t queue_depth() const { return queue_.depth(); }

  // Whether a target wants, or may want, a Secret at the key.
  [[nodiscard]] bool may_want(const Key& key) const;
  // Whether a target certainly wants one.
  [[nodiscard]] bool wants(const Key& key) const;
  // Whether a write of the key is in progress or imminent: what other contexts see of it may be out of date.
  [[nodiscard]] bool may_write(const Key& key) const;
  // Whether that may be true of any key. Cheap.
  [[nodiscard]] bool may_write_anything() const { return !queue_.empty() || !sweep_.idle(); }
  // Whether a target claims the key through another context of the same cluster, or may.
  [[nodiscard]] bool is_claimed_elsewhere(const Key& key) const;
  // The current uid of a Secret on the API server; empty if there is none. Throws Error.
  asio::awaitable<std::string> uid_of(Key key);
  // The uid of the namespace kube-system, which identifies the cluster; empty if reading it is forbidden. Throws Error
  // if the server cannot tell now.
  asio::awaitable<std::string> identity();

  // Cancels all work and waits until it has ended.
  asio::awaitable<void> stop();

 private:
  void retry_failed();
  void consider(const Key& key);
  void tell_change(const Key& key);
  void count(const std::function<void(Metrics&)>& what);
  void consider_namespace(const std::string& name_space);
  void consider_secret(const std::string& secret);
  [[nodiscard]] std::vector<std::string> namespaces_of(const std::string& secret) const;
  void consider_secrets(const std::set<std::string>& secrets);
  void consider_everything();
  void on_restart();
  void on_health();
  void on_cut();
  void on_written(Change change);
  void heal_after(const Change& change);
  [[nodiscard]] bool may_heal(const Key& key, const std::string& target, const std::string& service_account) const;
  void on_worked(const Key& key, const Outcome& outcome);
  void note_successor(const Key& key, const Decision& decision);
  void consider_predecessors(const Key& key);
  void put_writes_first();
  asio::awaitable<Outcome> work(Key key);

  asio::any_io_executor executor_;
  std::string holder_;  // "user@host" of this process
  Metrics* metrics_;
  std::size_t bulk_;
  OnChange on_change_;
  std::function<void(const Change&)> on_written_;
  kube::KubeClient client_;
  ClusterHealth health_{.problem = std::nullopt, .since = std::chrono::system_clock::now()};
  std::shared_ptr<const DesiredState> desired_;  // null: not set yet
  ClusterCache cache_;
  ClusterWatches watches_;
  Reconciler reconciler_;
  Healer healer_;
  WorkQueue queue_;
  Standings standings_;
  KeySweep sweep_;                             // keys to consider, when there are many
  std::map<Key, std::set<Key>> predecessors_;  // keys that wait for a Secret to be in sync (DesiredState::successor_of)
  std::size_t cuts_ = 0;
  bool in_bulk_ = false;  // many Secrets are being written
  std::size_t bulk_written_ = 0;
  AsyncEvent progress_;
};

}  // namespace regsync
