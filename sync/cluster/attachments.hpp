// Keeps the ServiceAccounts beside a Secret as its target wants them: those that it names have the Secret among their
// imagePullSecrets, and those that we attached it to before and that it names no more do not.
//
// Compares with what the cache knows of the ServiceAccounts, and tells the cache what the server answers. Never
// retries. Each account by itself: what fails for one, or is undone by somebody again and again, holds no other one up,
// unless the server itself seems not to answer (cut off, or two time-outs in a row).
// Lives on the io_context thread; owned by a Reconciler.
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/cluster/cluster_cache.hpp"
#include "sync/cluster/repair_pace.hpp"
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

  // Accounts that have to wait, because somebody undid each time what was done to them.
  struct Fight {
    std::vector<std::string> accounts;
    std::chrono::milliseconds wait;  // until the first of them may be written again
  };
  // Takes them out of the tasks.
  std::optional<Fight> set_aside(const Key& key, Tasks& tasks) const;

  // Attaches and detaches, and answers what has to wait. Reads first, where there is no right to follow them, the
  // accounts that the plan names, and those that it may have named before. Throws Error, after all were tried unless
  // the server itself seems not to answer: for what failed, for an account that the plan names and that cannot be read,
  // and where a pattern cannot be answered.
  asio::awaitable<std::optional<Fight>> put_in_order(Key key, const Plan& plan, Handlers handlers);
  // Detaches the Secret, which is gone or about to be deleted, from all accounts that we attached it to, but for those
  // that have to wait. Answers, after all were tried, why one keeps it; throws Error where that is not known.
  asio::awaitable<std::optional<Error>> detach_all(Key key, Handlers handlers);

 private:
  class Failures;  // of one call
  asio::awaitable<void> read_unfollowed(const Key& key, const std::vector<std::string>& required, Failures& failures);
  asio::awaitable<void> carry_out(const Key& key, const Tasks& tasks, const Handlers& handlers, Failures& failures);
  asio::awaitable<void> write(const Key& key, std::string account, bool attaches, const Handlers& handlers,
                              Failures& failures);
  asio::awaitable<void> attach(const Key& key, std::string account, const Handlers& handlers);
  asio::awaitable<void> detach(const Key& key, std::string account, const Handlers& handlers);
  void note_written(const Key& key, const std::string& account, const ServiceAccountView& view, Change::Kind kind,
                    const Handlers& handlers);
  // What a server answered about an account. was_known: when it was asked.
  void take_answer(const Key& key, const std::string& account, bool was_known, const ServiceAccountView& view);
  // Whose entries for the Secret are ours to remove, as ServiceAccountView::is_attached asks for it.
  [[nodiscard]] std::string removable_owner(const Key& key) const;

  kube::KubeClient& client_;
  ClusterCache& cache_;
  const WatchTable& table_;
  std::string owner_id_;
  Repetitions written_;
};

}  // namespace regsync
