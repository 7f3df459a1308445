// One context: its client, what is known of it, its watches, queue and reconciler. None waits for another.
//
// Lives on the io_context thread. Shared: the ContextSet calls stop() before it lets one go, and whoever awaits
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

// Which rows of a context's status may differ now: those of these targets, and those about Secrets of this name that
// other targets left behind. No name: all.
struct ChangedRows {
  std::string secret = {};
  std::vector<std::string> targets = {};

  [[nodiscard]] bool are_all() const { return secret.empty(); }
};

class Cluster {
 public:
  using OnChange = std::function<void(const ChangedRows&)>;

  // on_change: status may differ. Throws Error(kubeconfig) where the context's certificates cannot be used.
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

  // The kubeconfig has other credentials for this cluster (kube::same_connection): they are used from the next request
  // on, and what failed is tried again; nothing is listed anew where lists and watches work. Throws Error(kubeconfig)
  // where they cannot be used; the former ones stay then.
  void use_credentials_of(kube::ResolvedContext context);

  // What should be here from now on, and the places that matter for it (at least those where it should be).
  void set_desired(std::shared_ptr<const DesiredState> desired, std::shared_ptr<const Places> places);
  // The same with other plans for Secrets of these names, and nothing else.
  void set_logins(std::shared_ptr<const DesiredState> desired, const std::set<std::string>& secrets);

  // Lists everything anew and tries everything again, now, whatever it waits for.
  void kick();
  // Takes over, once, the Secrets that these targets claim and others hold now. Without targets: those of all targets
  // that the same user made on the same machine under another owner id. What cannot be taken over may be until
  // end_adoptions(), but not what somebody makes in its place.
  void adopt(const std::vector<std::string>& targets);
  void end_adoptions();

  // Gives back memory that only requests need, where there was none lately.
  IdleRelease release_idle_memory() { return client_.release_idle_memory(); }

  // Returns once every first list was delivered or failed, and every key was tried.
  asio::awaitable<void> settled();

  // Whether a Secret of a target that is asked for is to be deleted once the labels of its namespace are settled.
  [[nodiscard]] bool awaits_labels(const std::function<bool(const std::string& target)>& is_asked) const;

  [[nodiscard]] ContextStatus status() const;
  // Everything was listed once, or may not be, and nothing keeps it from working now.
  [[nodiscard]] bool connected() const { return watches_.table().listed() && !health_.problem; }
  // How often something cut a watch though there was no problem: who answers since then may be another cluster.
  [[nodiscard]] std::size_t cuts() const { return cuts_; }
  // How often more may have become allowed than before: what was refused may be asked again.
  [[nodiscard]] std::size_t grants() const { return watches_.grants(); }
  // Whether something answers at its address: some list was answered, whatever keeps others from it.
  [[nodiscard]] bool answers() const;
  // The rows about Secrets of a name.
  [[nodiscard]] ChangedRows rows_about(const std::string& secret) const;
  void add_rows(const std::string& target, std::vector<StatusRow>& rows) const { standings_.add_rows(target, rows); }
  // The Secrets of a target that is removed, where a pause keeps them.
  void add_held_rows(const std::string& target, std::vector<StatusRow>& rows) const {
    standings_.add_held_rows(target, rows);
  }
  // The places that a removal cannot read: each namespace that is named plainly, and one row for all others.
  void add_unread_rows(const std::string& target, const Places& places, std::vector<StatusRow>& rows) const {
    standings_.add_unread_rows(target, places, rows);
  }
  // Why it is not known what all of these places hold; nothing where it is.
  [[nodiscard]] std::optional<Error> what_is_unread(const Places& places) const {
    return standings_.what_is_unread(places);
  }
  // Whether it is certain that none of these places holds a Secret of the target which should not be there, nor a
  // ServiceAccount an entry.
  [[nodiscard]] bool is_clean_of(const std::string& target, const Places& places) const;
  // Whether it is certain that none of these places holds a Secret of the target, wanted or not.
  [[nodiscard]] bool is_empty_of(const std::string& target, const Places& places) const;
  // What a target that is removed leaves in these places, because it is not regsync's.
  [[nodiscard]] std::vector<Error> left_alone(const std::string& target, const Places& places) const {
    return standings_.left_alone(target, places);
  }
  [[nodiscard]] std::size_t queue_depth() const { return queue_.depth(); }

  // Whether a target wants a Secret at the key, as far as that can be told.
  [[nodiscard]] bool may_want(const Key& key) const;
  // Whether one certainly does.
  [[nodiscard]] bool wants(const Key& key) const;
  // Whether a write of the key is under way, or is about to be: what others see of it is not the last word.
  [[nodiscard]] bool may_write(const Key& key) const;
  // Whether that may be so of any key. Cheap.
  [[nodiscard]] bool may_write_anything() const { return !queue_.empty() || !sweep_.idle(); }
  // Whether a target claims the key through another context of the same cluster, as far as that can be told.
  [[nodiscard]] bool is_claimed_elsewhere(const Key& key) const;
  // The uid of a Secret as the API server has it now; empty where there is none. Throws Error.
  asio::awaitable<std::string> uid_of(Key key);
  // The uid of the namespace kube-system, which is as good as the cluster's own; empty where it may not be read. Throws
  // Error where the server cannot tell now.
  asio::awaitable<std::string> identity();

  // Cancels all work and returns when it has ended.
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
  std::shared_ptr<const DesiredState> desired_;  // null: nothing was told yet
  ClusterCache cache_;
  ClusterWatches watches_;
  Reconciler reconciler_;
  Healer healer_;
  WorkQueue queue_;
  Standings standings_;
  KeySweep sweep_;                             // the keys to be considered, where they are many
  std::map<Key, std::set<Key>> predecessors_;  // what waits for a Secret to be in sync (DesiredState::successor_of)
  std::size_t cuts_ = 0;
  bool in_bulk_ = false;  // many Secrets are being written
  std::size_t bulk_written_ = 0;
  AsyncEvent progress_;
};

}  // namespace regsync
