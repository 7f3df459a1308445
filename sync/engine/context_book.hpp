// ContextBook remembers on disk which cluster each context leads to, as far as known, to detect two contexts of one
// cluster, and a context that now leads to another cluster.
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
  std::string uid;     // of the namespace kube-system; empty if reading it is forbidden
  std::string server;  // URL
  // Digests of each certificate of the CA, and of its whole text (all that earlier versions kept); empty if the context
  // names no CA. One common digest means the same authority: during a rotation, a CA bundle holds both.
  std::set<std::string> authorities;

  bool operator==(const ClusterIdentity&) const = default;
};

// The part of the identity that is known without asking the cluster.
ClusterIdentity identity_of(const kube::ResolvedContext& context);

// Whether two have the same address and the same authority, or both have none.
bool same_address(const ClusterIdentity& a, const ClusterIdentity& b);

enum class Same { no, yes, unknown };
Same same_cluster(const ClusterIdentity& a, const ClusterIdentity& b);

// The context that once led to the cluster of this name, which ContextBook::keep_former() returned; empty for other
// names.
std::string former_context(const std::string& name);

class ContextBook {
 public:
  struct Known {
    ClusterIdentity identity;
    std::optional<ClusterIdentity> held;  // where it leads now, not trusted yet
    std::optional<WallTime> changed;      // when it began to lead to another cluster than before
    std::string former_of = {};           // the context that once led there; see keep_former()

    // Where it leads now, trusted or not.
    [[nodiscard]] const ClusterIdentity& now() const { return held ? *held : identity; }
    bool operator==(const Known&) const = default;
  };

  // A file that cannot be read is logged as a warning; nothing is known then, and pinned contexts are held when they
  // are met, also by later processes: see end_loss().
  explicit ContextBook(std::filesystem::path file);

  [[nodiscard]] const std::map<std::string, Known>& all() const { return known_; }
  [[nodiscard]] const Known* find(const std::string& context) const;
  // Whether the user must trust() where it leads now.
  [[nodiscard]] bool is_held(const std::string& context) const;
  // Whether it is held only because the cluster does not reveal its uid, and may be the same as before.
  [[nodiscard]] bool is_unsure(const std::string& context) const;

  enum class Met { as_before, news, elsewhere };
  // Records that a context leads to this cluster. If that is not the same as before, a pinned context is held (see
  // trust()), and for others the change is noted. A pinned one is also held if it may be another cluster because it no
  // longer reveals its uid; a held context stays held until a uid, or the user, confirms it.
  Met meet(const std::string& context, ClusterIdentity now, bool pinned, WallTime time);
  // Whether it last led to another cluster than this one.
  [[nodiscard]] bool moves_to(const std::string& context, const ClusterIdentity& now, bool pinned) const;
  // Call before meet(): another process knew the context since, and its pin refers to the cluster of this uid.
  void recall(const std::string& context, ClusterIdentity before);
  // The user confirms where it leads.
  void trust(const std::string& context);
  // Restores an earlier all(), when later changes must not take effect yet.
  void put_back(std::map<std::string, Known> before);
  void forget(const std::string& context);
  // Drops what is_needed() does not need, except former clusters and held contexts.
  void drop_unless(const std::function<bool(const std::string& context)>& is_needed);
  // Remembers a cluster that a context used to lead to, under a name that no kubeconfig has: "dev (https://10.0.0.1)",
  // or "dev (https://10.0.0.1, 2)" if that name is taken by another cluster. Returns the name. If there are many, drops
  // the oldest for which may_drop() is true and adds their names to `dropped`. remembered: the names in footprints;
  // those from another book count as older than all of this one.
  std::string keep_former(const std::string& context, const ClusterIdentity& before, WallTime time,
                          const std::set<std::string>& remembered,
                          const std::function<bool(const std::string& former)>& may_drop,
                          std::vector<std::string>& dropped);
  // The name under which the cluster is remembered that this context leads to again now.
  [[nodiscard]] std::optional<std::string> returned_from(const std::string& context) const;

  // Writes changes since the last save, if any.
  void save();
  // Why saving failed; the state stays in memory and is written next time.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  // Whether the state of an earlier process could not be read, so that a pinned context that is unknown here may lead
  // elsewhere than before.
  [[nodiscard]] bool is_lost() const { return lost_; }
  // All pinned contexts have been met since.
  void end_loss();

  // A Secret was seen through both contexts, under the same uid or under two.
  void learn(const std::string& one, const std::string& other, bool same);
  // Discards what was learned through a context: it says nothing about where the context leads now.
  void unlearn(const std::string& context);
  // Whether two contexts lead to one cluster, as far as known.
  [[nodiscard]] Same same(const std::string& one, const std::string& other) const;
  // The other contexts that lead to the cluster of this one.
  [[nodiscard]] std::set<std::string> peers(const std::string& context) const;

 private:
  // Finds possible peers without scanning all contexts, of which there may be a thousand.
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
  std::map<std::pair<std::string, std::string>, bool> learnt_;  // by two sorted names; learned by this process
  mutable std::optional<Index> index_;                          // nothing: out of date
  bool dirty_ = false;
  std::optional<Error> problem_;
  bool lost_ = false;  // see is_lost()
};

}  // namespace regsync
