// Reconciler brings one key to its desired state: it compares the whole desired state with the whole actual state,
// makes the changes, and records the result. It never retries and does not depend on why it was called.
//
// Lives on the io_context thread, owned by its Cluster; any number of keys may be in work at once, each only once. It
// is the only writer of the cache's Progress.
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sync/cluster/attachments.hpp"
#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/cluster_options.hpp"
#include "sync/cluster/repair_pace.hpp"
#include "sync/cluster/watch_table.hpp"
#include "sync/cluster/work_queue.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/change.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/owner.hpp"
#include "sync/model/places.hpp"

namespace regsync {

class Reconciler {
 public:
  struct Handlers {
    std::function<void(const Change&)> on_change;  // a write succeeded; the caller fills in the context
    std::function<asio::awaitable<void>(Key key, std::string uid, Taking taking)> check_elsewhere;  // ClusterOptions
    std::function<std::shared_ptr<const DesiredState>()> desired;                                   // now; not null
    std::function<void()> on_setback;  // the server was set back: restored from a backup
  };

  // client, cache and table (whose places cover the footprints) must outlive this.
  Reconciler(kube::KubeClient& client, ClusterCache& cache, const WatchTable& table, Owner owner, Handlers handlers);

  // How far the cache can be trusted about a key, including the ServiceAccounts that its plan names.
  [[nodiscard]] Trust trust(const Key& key, const DesiredState& desired) const;

  // trust must not be not_yet. Throws only defects.
  asio::awaitable<Outcome> reconcile(Key key, Trust trust);

  // The known facts about a key. Valid until the cache changes.
  [[nodiscard]] Facts facts(const Key& key) const;
  // What reconcile() would do first, according to the cache.
  [[nodiscard]] Decision decide(const Key& key, const DesiredState& desired) const;

  // Whether reconcile() would do anything, according to the cache.
  [[nodiscard]] bool has_work(const Key& key, const Decision& decision) const;
  [[nodiscard]] const Attachments& attachments() const { return attachments_; }

  // Records the state of a key that needs no work.
  Outcome record(const Key& key, const Decision& decision, Trust trust);
  // Records that the work on a key failed because of a defect.
  void record_defect(const Key& key, Error defect);
  // Allows taking over the object that is in the way now, once.
  void adopt(const Key& key);
  // Withdraws the adoptions that have not happened yet. Returns the keys concerned.
  std::vector<Key> end_adoptions();

 private:
  struct Run;  // one call of reconcile()
  // A write whose answer was lost: reported once it is seen to have succeeded.
  struct Unconfirmed {
    Change change;
    std::optional<Digest> written;  // what the Secret should hold; nothing: it should be gone
  };
  // A repair that must wait because somebody keeps changing the object back.
  struct Hold {
    Error fight;
    std::chrono::milliseconds wait;
  };

  // Whether a target's Secret exists as the target wants it and is attached.
  [[nodiscard]] bool is_in_sync(const Key& key, const std::string& target, const DesiredState& desired) const;
  asio::awaitable<std::optional<Hold>> work_on(Run& run, Trust trust);
  asio::awaitable<std::optional<Hold>> put_accounts_in_order(Run& run, const Decision& decision);
  asio::awaitable<std::optional<nlohmann::json>> read(Key key);
  asio::awaitable<void> act(Run& run, Decision decision);
  asio::awaitable<void> check_taken(Key key, const Plan& plan);
  asio::awaitable<void> apply(Run& run, Decision decision, const Payload& payload, std::string resource_version,
                              bool force);
  asio::awaitable<void> write_merged(Run& run, Decision decision);
  asio::awaitable<void> remove(Run& run, Decision decision);
  void forget_deletions(const Key& key);
  asio::awaitable<void> release(Run& run, Decision decision);
  // Whether the decision still holds: nothing else was requested since.
  [[nodiscard]] bool stands(const Run& run, const Decision& decision) const;
  // target: that of the Secret. The decision must live as long as the handlers.
  Attachments::Handlers account_handlers(Run& run, const Decision& decision, std::string target);
  [[nodiscard]] std::optional<Hold> hold_back(const Key& key, const Decision& decision) const;
  void count_write(Run& run, const Plan* plan);
  static Change change_of(const Key& key, Change::Kind kind, Why why, const std::string& target,
                          const std::string& account = {});
  void confirm(const Key& key);
  void note(const Key& key, SyncState state, std::optional<Error> cause);

  kube::KubeClient& client_;
  ClusterCache& cache_;
  const WatchTable& table_;
  Owner owner_;
  Handlers handlers_;
  Attachments attachments_;
  std::map<Key, Unconfirmed> unconfirmed_;
  std::map<Key, std::string> adoptions_;  // the uids of the Secrets to take over
  Repetitions deletions_;
};

}  // namespace regsync
