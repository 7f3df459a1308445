// Keeps the ServiceAccounts beside a Secret as its target wants them: those that it names have the Secret among their
// imagePullSecrets, and those that we attached it to before and that it names no more do not.
//
// Compares with what the cache knows of the ServiceAccounts, and tells the cache what the server answers. Never
// retries. Lives on the io_context thread; owned by a Reconciler.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/watch_table.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/model/change.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

class Attachments {
 public:
  // Of one call; both run inside of it.
  struct Handlers {
    // A ServiceAccount was written: the Secret was attached to it, or detached.
    std::function<void(Change::Kind kind, const std::string& account)> on_written;
    std::function<bool()> is_wanted;  // asked before each ServiceAccount: where not, the call ends
  };

  // All outlive this.
  Attachments(kube::KubeClient& client, ClusterCache& cache, const WatchTable& table, std::string owner_id)
      : client_(client), cache_(cache), table_(table), owner_id_(std::move(owner_id)) {}

  // The accounts that the plan names and that lack the Secret, those that do not exist included.
  [[nodiscard]] std::vector<std::string> missing(const Key& key, const Plan& plan) const;
  // The accounts that we attached the Secret to and that the plan (none: nullptr) does not name, or has no Secret for
  // any more. To those that another regsync attached it to, it is only as long as the Secret is there and ours: without
  // it, that one may be about to make it again.
  [[nodiscard]] std::vector<std::string> excess(const Key& key, const Plan* plan) const;
  // What is to be done where a plan claims the Secret. Where there is none, it is attached to nothing; where it is
  // somebody else's, nothing is touched.
  struct Tasks {
    std::vector<std::string> attach;
    std::vector<std::string> detach;

    [[nodiscard]] bool empty() const { return attach.empty() && detach.empty(); }
  };
  [[nodiscard]] Tasks tasks(const Key& key, const Plan& plan) const;
  [[nodiscard]] bool in_order(const Key& key, const Plan& plan) const { return tasks(key, plan).empty(); }

  // Reads the accounts that the plan names, and those that it may have named before, where there is no right to follow
  // them. Throws Error where one of the former cannot be read.
  asio::awaitable<void> refresh(Key key, const Plan& plan);
  // Attaches and detaches. Each account by itself: what fails for one is thrown after the others were tried, and so is
  // that a pattern cannot be answered.
  asio::awaitable<void> put_in_order(Key key, const Plan& plan, Handlers handlers);
  // Detaches the Secret, which is gone or about to be deleted, from all accounts that we attached it to.
  asio::awaitable<void> detach_all(Key key, Handlers handlers);

 private:
  asio::awaitable<std::optional<Error>> read_unfollowed(Key key, std::vector<std::string> required);
  asio::awaitable<void> carry_out(const Key& key, Tasks tasks, const Handlers& handlers);
  asio::awaitable<void> attach(const Key& key, std::string account, const Handlers& handlers);
  asio::awaitable<void> detach(const Key& key, std::string account, const Handlers& handlers);
  // What a server answered about an account. was_known: when it was asked.
  void take_answer(const Key& key, const std::string& account, bool was_known, const ServiceAccountView& view);
  // Whose entries for the Secret are ours to remove, as ServiceAccountView::is_attached asks for it.
  [[nodiscard]] std::string removable_owner(const Key& key) const;

  kube::KubeClient& client_;
  ClusterCache& cache_;
  const WatchTable& table_;
  std::string owner_id_;
};

}  // namespace regsync
