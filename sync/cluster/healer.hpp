// Healer evicts pods that cannot start because of a Secret or ServiceAccount that was just repaired (`heal: evict`):
// kubelet alone can take five minutes to retry, and an existing pod never gains what its ServiceAccount names now.
//
// Uses the Eviction API (policy/v1; v1beta1 before Kubernetes 1.22), so that PodDisruptionBudgets apply: a refused
// eviction is retried later. Limited to a few evictions a minute per namespace, and a few namespaces at once. A pod
// that was created after the repair fails for another reason and is left alone. Lives on the io_context thread; owned
// by its Cluster.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/limiter.hpp"
#include "sync/base/task_group.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/change.hpp"
#include "sync/model/heal.hpp"
#include "sync/model/key.hpp"

namespace regsync {

class Healer {
 public:
  struct Limits {
    std::size_t evictions = 3;  // in a namespace, each minute
    std::chrono::milliseconds minute = std::chrono::minutes(1);
    std::chrono::milliseconds pause = std::chrono::seconds(5);  // before pods are checked again
    int rounds = 120;         // after these, a pod that still fails does so for another reason
    std::size_t at_once = 4;  // repairs in work
  };

  struct Handlers {
    std::function<void(const Change&)> on_evicted;  // the caller fills in the context
    // Whether the target still wants the repaired object and may act there now; asked before each round and eviction.
    std::function<bool(const Key& key, const std::string& target, const std::string& service_account)> is_wanted;
  };

  // client must outlive this.
  Healer(const asio::any_io_executor& executor, kube::KubeClient& client, Handlers handlers)
      : Healer(executor, client, std::move(handlers), Limits()) {}
  Healer(const asio::any_io_executor& executor, kube::KubeClient& client, Handlers handlers, Limits limits);

  // A Secret of the target was written, or attached to a ServiceAccount, in a namespace.
  void repaired(const Key& key, std::string target, std::string service_account,
                std::shared_ptr<const Payload> payload);

  // Cancels running work and waits until it has ended.
  asio::awaitable<void> stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Case {
    std::string name_space;
    std::string target;
    Repair repair;
    std::shared_ptr<const Payload> payload;
    std::optional<std::set<std::string>> older = {};  // uids of the pods that were there when first listed
    std::set<std::string> told = {};                  // problems already logged
  };

  asio::awaitable<void> run(Case repaired);
  asio::awaitable<bool> evict_waiting_pods(Case& repaired);
  asio::awaitable<std::vector<Pod>> cured_pods(Case& repaired);
  asio::awaitable<bool> evict(Case& repaired, const Pod& pod);
  asio::awaitable<std::optional<Error>> try_to_evict(const Pod& pod);
  asio::awaitable<void> learn_version();
  void tell_once(Case& repaired, const Error& problem) const;
  void warn(const std::string& name_space, const Error& problem) const;
  [[nodiscard]] bool may_evict(const std::string& name_space);
  void note_eviction(const std::string& name_space);
  [[nodiscard]] bool is_wanted(const Case& repaired) const;

  asio::any_io_executor executor_;
  kube::KubeClient& client_;
  Handlers handlers_;
  Limits limits_;
  Limiter turns_;
  std::string version_ = "policy/v1";                             // API version of the Eviction that the server accepts
  bool version_known_ = false;                                    // the server was asked for its version
  std::map<std::string, std::deque<Clock::time_point>> evicted_;  // recent evictions, by namespace
  std::map<std::string, std::shared_ptr<asio::cancellation_signal>> running_;  // by the repaired object
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace regsync
