// ContextSet holds the contexts of the kubeconfig, and the running Cluster of each that is needed.
//
// A context whose definition changed gets a new Cluster. One that cannot be used now keeps the last good one, and is
// retried after a second, then less and less often: no event reports changes to the files that a kubeconfig names. A
// kubeconfig is often written in place, and a partial one can look complete: a context must be missing for the grace
// period before its Cluster is stopped, and a current namespace must be stable for the grace period before it is used.
// Each time a context connects, its cluster is asked for its identity until it answers; and if it is forbidden to tell,
// again whenever permissions may have grown. Lives on the io_context thread, owned by the Engine, which calls stop()
// first.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "sync/base/backoff.hpp"
#include "sync/base/task_group.hpp"
#include "sync/cluster/cluster.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/target.hpp"

namespace regsync {

class ContextSet {
 public:
  struct Handlers {
    std::function<void(const std::string& context, const ChangedRows&)> on_change;  // the status of its cluster changed
    std::function<void()> on_due;      // call update() again: a grace period has ended, or a retry is due
    std::function<void()> read_again;  // read the kubeconfig again, call set_kubeconfig() and update(); may be empty
    // The identity of a context's cluster is known. False if doubt remains, so that it is asked again. An exception is
    // a problem of the context, which counts as not identified and is also asked again.
    std::function<bool(const std::string& context, ClusterIdentity)> on_identified;
    std::function<void(const std::string& context)> on_lost;  // its identity is no longer known: it does not answer
  };
  // first_retry: the delay before the first retry of a context that cannot be used, or of a cluster that cannot tell
  // its identity.
  ContextSet(asio::any_io_executor executor, ClusterOptions options, std::chrono::milliseconds grace, Handlers handlers,
             std::chrono::milliseconds first_retry = std::chrono::seconds(1));

  // Sets the current kubeconfig; takes effect with the next update(). Losing all contexts is a problem, even where a
  // process that starts now would use the cluster of its pod. Returns false if only credentials of a hub's clusters
  // changed: they are in use already, and no update() is needed.
  bool set_kubeconfig(kube::Kubeconfig kubeconfig);
  // The kubeconfig cannot be read: the last good one stays in force.
  void set_kubeconfig_problem(Error problem);
  [[nodiscard]] const std::optional<Error>& kubeconfig_problem() const { return kubeconfig_problem_; }

  // Starts, replaces and stops clusters so that those of the needed contexts run. Returns the contexts whose cluster is
  // new and has no desired state yet.
  std::set<std::string> update(const std::function<bool(const std::string& context)>& is_needed);

  // The names in the kubeconfig, sorted.
  [[nodiscard]] const std::vector<std::string>& names() const { return kubeconfig_.contexts(); }
  [[nodiscard]] bool contains(const std::string& context) const;
  // Whether a target includes this context by its name or its current labels.
  [[nodiscard]] bool selects(const Target& target, const std::string& context) const;
  // The address of a context's cluster in the current kubeconfig, so that the same replica serves it as if it had just
  // started; if the kubeconfig has none, the address in use; otherwise empty.
  [[nodiscard]] std::string server(const std::string& context) const;
  // Whether the labels of a context have been unchanged for the grace period: only then does it count what they no
  // longer match.
  [[nodiscard]] bool labels_settled(const std::string& context) const { return !labels_since_.contains(context); }
  // All running clusters, including those in their grace period. Shared with coroutines that wait for one while it may
  // be replaced.
  [[nodiscard]] const std::map<std::string, std::shared_ptr<Cluster>>& clusters() const { return clusters_; }
  [[nodiscard]] std::shared_ptr<Cluster> find(const std::string& context) const;
  // The error that a context is not in the kubeconfig (any more), naming the kubeconfig.
  [[nodiscard]] Error vanished(const std::string& context) const;
  // Whether the contexts come from a kubeconfig rather than a fleet.
  [[nodiscard]] bool in_kubeconfig() const { return kubeconfig_.is_of_files(); }
  // The same, for display.
  [[nodiscard]] const char* place() const { return in_kubeconfig() ? "the kubeconfig" : "the fleet"; }
  // Where the kubeconfig was read from (Kubeconfig::source).
  [[nodiscard]] const std::string& source() const { return kubeconfig_.source(); }
  // The current namespace of a context; nothing if it may come from a kubeconfig that is being written, or may be
  // short-lived.
  [[nodiscard]] std::optional<std::string> current_namespace(const std::string& context) const;
  // Whether its cluster was asked for its identity since it last began to answer.
  [[nodiscard]] bool identified(const std::string& context) const { return identified_.contains(context); }
  // Whether it did not tell its identity and may be allowed to by now: it is asked again soon.
  [[nodiscard]] bool may_say_more(const std::string& context) const;
  // Why contexts cannot be used as now defined.
  [[nodiscard]] const std::map<std::string, Error>& problems() const { return problems_; }

  // Stops all clusters and waits until they have ended.
  asio::awaitable<void> stop();

 private:
  struct Asking {
    std::shared_ptr<asio::cancellation_signal> cancel;
    std::size_t grants;  // Cluster::grants() when it began
  };

  struct CurrentNamespace {
    std::string name;
    std::chrono::steady_clock::time_point since;  // when it was first read as such
    bool settled = false;
  };

  void note_namespace(const std::string& context, const std::string& name_space);
  void read_again_if_due();
  void retry_unusable();
  [[nodiscard]] bool in_grace(const std::string& context);
  [[nodiscard]] bool has_passed(std::chrono::steady_clock::time_point since);
  bool renew(const std::string& context);
  bool refresh(const std::string& name);
  void retire(std::shared_ptr<Cluster> cluster);
  void on_cluster_changed(const std::string& name, const ChangedRows& rows);
  void note_connection(const std::string& name, const std::shared_ptr<Cluster>& cluster);
  void end_asking(const std::string& name);
  void forget_identity(const std::string& name);
  void ask_identity(const std::string& name, const std::shared_ptr<Cluster>& cluster);
  asio::awaitable<void> identify(std::string name, std::shared_ptr<Cluster> cluster);
  void note_unwritten(const std::string& name, std::optional<Error> failure);

  asio::any_io_executor executor_;
  ClusterOptions options_;
  std::chrono::milliseconds grace_;
  std::chrono::milliseconds first_retry_;
  Handlers handlers_;

  kube::Kubeconfig kubeconfig_;
  std::optional<Error> kubeconfig_problem_;
  std::set<std::string> resolved_;  // contexts whose clusters match the current kubeconfig
  std::map<std::string, Error> problems_;
  std::map<std::string, std::shared_ptr<Cluster>> clusters_;
  std::map<std::string, std::size_t> connected_;  // connected as of the last change, each with its Cluster::cuts()
  // Contexts whose identity was asked for; those that may not tell it have the Cluster::grants() of that time.
  std::map<std::string, std::optional<std::size_t>> identified_;
  std::map<std::string, Error> unwritten_;  // why a cluster's identity does not count yet; see on_identified
  std::map<std::string, std::chrono::steady_clock::time_point> missing_since_;
  std::map<std::string, CurrentNamespace> namespaces_;                         // by context
  std::chrono::steady_clock::time_point read_again_;                           // when it was last requested
  std::map<std::string, std::chrono::steady_clock::time_point> labels_since_;  // of unsettled contexts
  asio::steady_timer grace_timer_;
  asio::steady_timer namespace_timer_;
  asio::steady_timer retry_timer_;  // of contexts that cannot be used
  bool retries_ = false;            // whether it runs
  Backoff retry_;
  TaskGroup tasks_;
  std::map<std::string, Asking> asking_;  // running identity requests, by context
  bool stopping_ = false;
};

}  // namespace regsync
