// Attachments keeps the ServiceAccounts next to a Secret in line with its target: those that the target names list the
// Secret in imagePullSecrets; those that regsync attached it to earlier and that the target no longer names do not.
//
// Compares against the cached ServiceAccounts and stores the server's answers in the cache. Never retries. Accounts are
// independent: one that fails, or that somebody else keeps changing back, does not block the others, unless the server
// itself seems not to answer (cut off, or two timeouts in a row). Lives on the io_context thread; owned by a
// Reconciler.
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
  // For one call; both run before it returns.
  struct Handlers {
    // A ServiceAccount was written: the Secret was attached to it, or detached.
    std::function<void(Change::Kind kind, const std::string& account)> on_written;
    std::function<bool()> is_wanted;  // asked before each ServiceAccount; false ends the call
  };

  // All references must outlive this.
  Attachments(kube::KubeClient& client, ClusterCache& cache, const WatchTable& table, std::string owner_id)
      : client_(client), cache_(cache), table_(table), owner_id_(std::move(owner_id)) {}

  // The accounts that the plan names and that lack the Secret, including those that do not exist.
  [[nodiscard]] std::vector<std::string> missing(const Key& key, const Plan& plan) const;
  // The accounts that we attached the Secret to and that the plan (nullptr: none) no longer names or no longer has a
  // Secret for. Entries that another regsync attached count only while the Secret exists and is ours: without it, the
  // other regsync may be about to create it again.
  [[nodiscard]] std::vector<std::string> excess(const Key& key, const Plan* plan) const;
  // The work to do where a plan claims the Secret. A missing Secret is attached to nothing; for somebody else's Secret,
  // nothing is touched.
  struct Tasks {
    std::vector<std::string> attach;
    std::vector<std::string> detach;

    [[nodiscard]] bool empty() const { return attach.empty() && detach.empty(); }
  };
  [[nodiscard]] Tasks tasks(const Key& key, const Plan& plan) const;
  [[nodiscard]] bool in_order(const Key& key, const Plan& plan) const { return tasks(key, plan).empty(); }

  // Accounts that must wait because somebody keeps undoing what was done to them.
  struct Fight {
    std::vector<std::string> accounts;
    std::chrono::milliseconds wait;  // until the first of them may be written again
  };
  // Removes such accounts from the tasks.
  std::optional<Fight> set_aside(const Key& key, Tasks& tasks) const;

  // Attaches and detaches, and returns what has to wait. Where there is no right to watch ServiceAccounts, first reads
  // those that the plan names and those that it may have named before. Throws Error (after trying all accounts, unless
  // the server itself seems not to answer) for a failure, for a named account that cannot be read, and for a pattern
  // that cannot be resolved.
  asio::awaitable<std::optional<Fight>> put_in_order(Key key, const Plan& plan, Handlers handlers);
  // Detaches the Secret, which is gone or about to be deleted, from all accounts that we attached it to, except those
  // that have to wait. After trying all, returns why an account still has it; throws Error where that is unknown.
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
  // Stores a server's answer about an account. was_known: whether the account was known when the request was sent.
  void take_answer(const Key& key, const std::string& account, bool was_known, const ServiceAccountView& view);
  // The owner whose entries for the Secret we may remove, as the argument of ServiceAccountView::is_attached.
  [[nodiscard]] std::string removable_owner(const Key& key) const;

  kube::KubeClient& client_;
  ClusterCache& cache_;
  const WatchTable& table_;
  std::string owner_id_;
  Repetitions written_;
};

}  // namespace regsync
