// Makes one key true: looks at the whole desired and the whole actual state of it, does what is to be done, and notes
// in the cache how that went. It never retries and never asks why it was called.
//
// Lives on the io_context thread, owned by its Cluster; any number of keys may be in work at once, each only once.
#pragma once

#include <asio/awaitable.hpp>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/cluster_watches.hpp"
#include "sync/cluster/work_queue.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/owner.hpp"

namespace regsync {

class Reconciler {
 public:
  // client and cache outlive this.
  Reconciler(kube::KubeClient& client, ClusterCache& cache, Owner owner);

  // trust is followed or on_demand.
  asio::awaitable<Outcome> reconcile(Key key, std::shared_ptr<const DesiredState> desired, ClusterWatches::Trust trust);

  // What reconcile would do first, by what the cache says.
  [[nodiscard]] Decision decide(const Key& key, const DesiredState& desired) const;

  // Whether the ServiceAccounts that the cache knows are as the plan wants them.
  [[nodiscard]] bool accounts_in_order(const Key& key, const Plan& plan) const;

  // The accounts that we attached the Secret to and that the plan (none: nullptr) does not name.
  [[nodiscard]] std::vector<std::string> attached_accounts(const Key& key, const Plan* plan) const;

  // Notes how a key stands.
  Outcome record(const Key& key, const Decision& decision, ClusterWatches::Trust trust);

 private:
  asio::awaitable<void> read(Key key);
  asio::awaitable<void> act(Key key, Decision decision);
  asio::awaitable<void> apply(Key key, const Plan& plan, const Payload& payload, std::string resource_version,
                              bool force);
  asio::awaitable<void> write_merged(Key key, const Plan& plan);
  asio::awaitable<void> remove(Key key);
  asio::awaitable<void> release(Key key);
  asio::awaitable<void> put_accounts_in_order(Key key, const Plan& plan);
  [[nodiscard]] std::vector<std::string> missing_accounts(const Key& key, const Plan& plan) const;
  std::optional<Outcome> hold_back(const Key& key, const Decision& decision);
  void see(const Key& key, const nlohmann::json& secret);
  void see(const Key& key, std::uint64_t version, SecretView view);
  void see_account(const std::string& name_space, const std::string& account, ServiceAccountView view);
  void note(const Key& key, SyncState state, std::optional<Error> cause);

  kube::KubeClient& client_;
  ClusterCache& cache_;
  Owner owner_;
};

}  // namespace regsync
