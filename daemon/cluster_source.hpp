// ClusterSource reads which clusters there are, from a kubeconfig or from Secrets of the hub, and has the hub use the
// credentials that the kubeconfig has now.
//
// Owned by the Daemon. Synchronous file I/O. Lives on the io_context thread, where the handlers are called. Nothing
// throws: what cannot be read goes to on_problem, or is the problem().
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <optional>
#include <string>

#include "daemon/hub.hpp"
#include "helper/base/error.hpp"
#include "sync/base/coalesced_call.hpp"
#include "sync/kube/config/kubeconfig.hpp"

namespace regsync {

class ClusterSource {
 public:
  struct Handlers {
    std::function<void(kube::Kubeconfig)> on_clusters;
    std::function<void(Error)> on_problem;  // the last good clusters stay in force
    std::function<void()> on_change;        // problem() differs
  };

  // hub outlives this. kubeconfig: reads the one in force; may throw.
  ClusterSource(const asio::any_io_executor& executor, Hub& hub, std::function<kube::Kubeconfig()> kubeconfig,
                Handlers handlers);

  // Reads the kubeconfig again. What the hub tells, it tells by itself.
  void read();

  // Why the hub cannot use what the kubeconfig says now; the credentials in use stay in force.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
  // What has to be read before any cluster is known, for people; nothing once it was.
  [[nodiscard]] std::optional<std::string> waits_for() const;

  // Nothing is tried again any more.
  void cancel() { retry_.cancel(); }

 private:
  void follow_hub();
  void set_clusters(kube::Kubeconfig clusters);

  Hub& hub_;
  std::function<kube::Kubeconfig()> kubeconfig_;
  Handlers handlers_;
  std::optional<Error> problem_;
  bool is_known_ = false;  // the clusters were read once
  CoalescedCall retry_;
};

}  // namespace regsync
