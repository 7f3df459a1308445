// ClusterSource reads the list of clusters from a kubeconfig or from Secrets in the hub, and updates the hub's
// credentials from the current kubeconfig.
//
// Owned by the Daemon. Synchronous file I/O. Lives on the io_context thread and calls the handlers there. No member
// throws: read errors go to on_problem or become problem().
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
    std::function<void(Error)> on_problem;  // the last good clusters stay in use
    std::function<void()> on_change;        // problem() changed
  };

  // hub must outlive this object. kubeconfig reads the configured kubeconfig; it may throw.
  ClusterSource(const asio::any_io_executor& executor, Hub& hub, std::function<kube::Kubeconfig()> kubeconfig,
                Handlers handlers);

  // Reads the kubeconfig again. Changes in the hub arrive without this call.
  void read();

  // Why the hub cannot use the current kubeconfig; it keeps the credentials that it has.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
  // Names what must be read before any cluster is known, as text for people; nullopt once it was read.
  [[nodiscard]] std::optional<std::string> waits_for() const;

  // Stops all retries.
  void cancel() { retry_.cancel(); }

 private:
  void follow_hub();
  void set_clusters(kube::Kubeconfig clusters);

  Hub& hub_;
  std::function<kube::Kubeconfig()> kubeconfig_;
  Handlers handlers_;
  std::optional<Error> problem_;
  bool is_known_ = false;  // the clusters were read at least once
  CoalescedCall retry_;
};

}  // namespace regsync
