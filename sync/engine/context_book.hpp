// ContextBook remembers on disk which cluster each context leads to, as far as that can be told, so that two contexts
// of one cluster, and a context that leads to another cluster than before, are seen.
//
// One small JSON file without secrets. Synchronous file I/O; one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

struct ClusterIdentity {
  std::string uid;     // of the namespace kube-system; empty where it may not be read
  std::string server;  // URL
  // Digests of each certificate of the CA, and of its whole text, which was all that was kept once; none where the
  // context names no CA. One in common is the same authority: a CA that is rotated is both for a time.
  std::set<std::string> authorities;

  bool operator==(const ClusterIdentity&) const = default;
};

// What can be told without asking the cluster.
ClusterIdentity identity_of(const kube::ResolvedContext& context);

// Whether two have the same address and the same authority, or both none.
bool same_address(const ClusterIdentity& a, const ClusterIdentity& b);

enum class Same { no, yes, unknown };
Same same_cluster(const ClusterIdentity& a, const ClusterIdentity& b);

// The context that led once to the cluster of this name, which ContextBook::keep_former() gave; empty for other names.
std::string former_context(const std::string& name);

class ContextBook {
 public:
  struct Known {
    ClusterIdentity identity;
    std::optional<ClusterIdentity> held;  // what it leads to now, which nobody has trusted yet
    std::optional<WallTime> changed;      // when it began to lead to another cluster than before
    std::string former_of = {};           // the context that led there once; see keep_former()

    // What it leads to now, trusted or not.
    [[nodiscard]] const ClusterIdentity& now() const { return held ? *held : identity; }
    bool operator==(const Known&) const = default;
  };

  // A file that cannot be read is reported by a warning in the log; nothing is known then, and pinned contexts are held
  // when they are met, also by later processes: see end_loss().
  explicit ContextBook(std::filesystem::path file);

  [[nodiscard]] const std::map<std::string, Known>& all() const { return known_; }
  [[nodiscard]] const Known* find(const std::string& context) const;
  // Whether a person has to trust() what it leads to now.
  [[nodiscard]] bool is_held(const std::string& context) const;
  // Whether it is held only because the cluster does not say its uid, and may be the same as before.
  [[nodiscard]] bool is_unsure(const std::string& context) const;

  enum class Met { as_before, news, elsewhere };
  // A context was found to lead to this cluster. Where that is another one than before, it is held (see trust()) if the
  // context is pinned, else noted. A pinned one is held, too, where it may be another one because it does not say its
  // uid any more; and one that is held stays so until a uid, or a person, says that it is right.
  Met meet(const std::string& context, ClusterIdentity now, bool pinned, WallTime time);
  // Whether it was found last to lead to another cluster than this one.
  [[nodiscard]] bool moves_to(const std::string& context, const ClusterIdentity& now, bool pinned) const;
  // Before meet(): another process knew the context since, and its pin means the cluster of this uid.
  void recall(const std::string& context, ClusterIdentity before);
  // The person says that it is right.
  void trust(const std::string& context);
  // As all() was before, where what has changed since cannot count yet.
  void put_back(std::map<std::string, Known> before);
  void forget(const std::string& context);
  // Drops what is_needed() does not need, but former clusters, and contexts that are held.
  void drop_unless(const std::function<bool(const std::string& context)>& is_needed);
  // Remembers a cluster that a context led to before, under a name that no kubeconfig has: "dev (https://10.0.0.1)",
  // and "dev (https://10.0.0.1, 2)" where that is another cluster's. Answers that name. Of many the oldest that may be
  // are dropped: their names are in `dropped`. remembered: those that footprints tell of; what another book named
  // is older than all of this one.
  std::string keep_former(const std::string& context, const ClusterIdentity& before, WallTime time,
                          const std::set<std::string>& remembered,
                          const std::function<bool(const std::string& former)>& may_drop,
                          std::vector<std::string>& dropped);
  // Under which name a cluster is remembered that this context leads to again now.
  [[nodiscard]] std::optional<std::string> returned_from(const std::string& context) const;

  // Writes what has changed since the last time, unless it was written already.
  void save();
  // Why that could not be written; what is known stays in memory, and is written the next time.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  // Whether what an earlier process knew could not be read, so that a pinned context which is not known here may lead
  // elsewhere than it did.
  [[nodiscard]] bool is_lost() const { return lost_; }
  // All pinned contexts were met since.
  void end_loss();

  // A Secret was seen through both contexts under one uid, or under two.
  void learn(const std::string& one, const std::string& other, bool same);
  // What was seen through a context says nothing of where it leads now.
  void unlearn(const std::string& context);
  // Whether two contexts lead to one cluster, by all that is known.
  [[nodiscard]] Same same(const std::string& one, const std::string& other) const;
  // The other contexts that lead to the cluster of this one.
  [[nodiscard]] std::set<std::string> peers(const std::string& context) const;

 private:
  // Finds those that may be peers without looking at all others, of which there may be a thousand.
  struct Index {
    std::map<std::string, std::set<std::string>> by_uid;
    std::map<std::string, std::set<std::string>> by_server;
  };

  [[nodiscard]] std::string former_name(const std::string& context, const ClusterIdentity& before) const;
  [[nodiscard]] const Index& index() const;
  void changed();
  void write() const;

  std::filesystem::path file_;
  std::map<std::string, Known> known_;
  std::map<std::pair<std::string, std::string>, bool> learnt_;  // by two names in order; by this process
  mutable std::optional<Index> index_;                          // none: out of date
  bool dirty_ = false;
  std::optional<Error> problem_;
  bool lost_ = false;  // see is_lost()
};

}  // namespace regsync
