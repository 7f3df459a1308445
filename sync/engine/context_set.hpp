// The contexts of the kubeconfig, and the running Cluster of each that is needed.
//
// A context whose definition changed gets a new Cluster; one that cannot be used as it is now keeps the last good one,
// and is tried again after a second, and then less and less often: no event tells of the files that a kubeconfig names.
// A kubeconfig is often written in place, and a torn one can look complete: a context must be missing for the grace
// before its Cluster is stopped, and a current namespace must have been read so for the grace before it is believed.
// Each time a context connects, its cluster is asked who it is, until it answers; and again whenever more may have
// become allowed, if it may not say that. Lives on the io_context thread, owned by the Engine, which calls stop()
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
    std::function<void(const std::string& context, const ChangedRows&)> on_change;  // the status of its cluster
    std::function<void()> on_due;      // call update() again: a grace has ended, or something is to be tried again
    std::function<void()> read_again;  // read the kubeconfig again, call set_kubeconfig() and update(); may be empty
    // It is known who a context leads to; false: that leaves a doubt, so it is asked again. Where it throws, that is a
    // problem of the context, which counts as not identified, and is asked again, too.
    std::function<bool(const std::string& context, ClusterIdentity)> on_identified;
    std::function<void(const std::string& context)> on_lost;  // it is not known any more: it does not answer
  };
  // first_retry: after which a context that cannot be used, or a cluster that cannot say who it is, is tried again
  // first.
  ContextSet(asio::any_io_executor executor, ClusterOptions options, std::chrono::milliseconds grace, Handlers handlers,
             std::chrono::milliseconds first_retry = std::chrono::seconds(1));

  // The kubeconfig as it is now; takes effect with the next update(). One that lost all its contexts is a problem, also
  // where a process that begins now would use the cluster of its pod.
  // False where only credentials of a hub's clusters are other ones: they are in use already, and no update() is due.
  bool set_kubeconfig(kube::Kubeconfig kubeconfig);
  // It cannot be read: the last good one stays in force.
  void set_kubeconfig_problem(Error problem);
  [[nodiscard]] const std::optional<Error>& kubeconfig_problem() const { return kubeconfig_problem_; }

  // Starts, replaces and stops clusters, so that those of the needed contexts run. Returns the contexts whose cluster
  // is a new one that was told nothing yet.
  std::set<std::string> update(const std::function<bool(const std::string& context)>& is_needed);

  // The names in the kubeconfig, sorted.
  [[nodiscard]] const std::vector<std::string>& names() const { return kubeconfig_.contexts(); }
  [[nodiscard]] bool contains(const std::string& context) const;
  // Whether a target includes this context, by its name or by its labels as they are now.
  [[nodiscard]] bool selects(const Target& target, const std::string& context) const;
  // The address of a context's cluster: as the kubeconfig has it now, so that of several replicas the same one serves
  // it as if it had begun just now; where it has none, as it is in use; else empty.
  [[nodiscard]] std::string server(const std::string& context) const;
  // Whether the labels of a context have been as they are for the grace: what they no longer match counts then.
  [[nodiscard]] bool labels_settled(const std::string& context) const { return !labels_since_.contains(context); }
  // All that run, those in their grace included. Shared with those who wait for one while it may be replaced.
  [[nodiscard]] const std::map<std::string, std::shared_ptr<Cluster>>& clusters() const { return clusters_; }
  [[nodiscard]] std::shared_ptr<Cluster> find(const std::string& context) const;
  // Says that a context is not in the kubeconfig (any more), and which that is.
  [[nodiscard]] Error vanished(const std::string& context) const;
  // Whether they are those of a kubeconfig, or of a fleet.
  [[nodiscard]] bool in_kubeconfig() const { return kubeconfig_.is_of_files(); }
  // The same, for people.
  [[nodiscard]] const char* place() const { return in_kubeconfig() ? "the kubeconfig" : "the fleet"; }
  // Where the kubeconfig was read from (Kubeconfig::source).
  [[nodiscard]] const std::string& source() const { return kubeconfig_.source(); }
  // The current namespace of a context; nothing where it may be that of a kubeconfig that is being written, or one that
  // holds for a moment.
  [[nodiscard]] std::optional<std::string> current_namespace(const std::string& context) const;
  // Whether its cluster was asked who it is since it has answered again.
  [[nodiscard]] bool identified(const std::string& context) const { return identified_.contains(context); }
  // Whether it did not say it, and may be allowed to since: it is asked again soon.
  [[nodiscard]] bool may_say_more(const std::string& context) const;
  // Why contexts cannot be used as they are now.
  [[nodiscard]] const std::map<std::string, Error>& problems() const { return problems_; }

  // Stops all clusters and returns when they have ended.
  asio::awaitable<void> stop();

 private:
  struct Asking {
    std::shared_ptr<asio::cancellation_signal> cancel;
    std::size_t grants;  // Cluster::grants() when it was begun
  };

  struct CurrentNamespace {
    std::string name;
    std::chrono::steady_clock::time_point since;  // it was first read so
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
  std::set<std::string> resolved_;  // those whose clusters are as the present kubeconfig has them
  std::map<std::string, Error> problems_;
  std::map<std::string, std::shared_ptr<Cluster>> clusters_;
  std::map<std::string, std::size_t> connected_;  // as of the last change, each with its Cluster::cuts()
  // Those that were asked who they are; each that may not say it with the Cluster::grants() of then.
  std::map<std::string, std::optional<std::size_t>> identified_;
  std::map<std::string, Error> unwritten_;  // why it does not count who a context leads to; see on_identified
  std::map<std::string, std::chrono::steady_clock::time_point> missing_since_;
  std::map<std::string, CurrentNamespace> namespaces_;                         // by context
  std::chrono::steady_clock::time_point read_again_;                           // the last time that it was asked for
  std::map<std::string, std::chrono::steady_clock::time_point> labels_since_;  // of those that are not settled
  asio::steady_timer grace_timer_;
  asio::steady_timer namespace_timer_;
  asio::steady_timer retry_timer_;  // of contexts that cannot be used
  bool retries_ = false;            // it runs
  Backoff retry_;
  TaskGroup tasks_;
  std::map<std::string, Asking> asking_;  // who a context leads to; by its name
  bool stopping_ = false;
};

}  // namespace regsync
