// ClusterCache is the known state of one cluster: its namespaces, the Secrets under the names that matter, the
// ServiceAccounts to attach to, and the progress of the work on each key. Plain data without I/O; one io_context
// thread.
//
// Each piece has one writer: observations are written by observe() and its siblings, which ClusterWatches and
// Reconciler call with a server's answers; progress is written by the Reconciler alone. Everything else is derived.
//
// Sized for tens of thousands of namespaces: no Secret data, no managedFields. Most Secrets differ only in their
// version and most namespaces only in their name, so the common parts are stored once, and so is each name. That makes
// about 90 bytes for a namespace and 120 for each key in it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sync/cluster/service_account.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/key.hpp"
#include "sync/model/secret_object.hpp"
#include "sync/model/shared_values.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// Each list is a generation. An object that neither the newest complete list of its scope nor a later event has shown
// is gone.
using Generation = std::uint32_t;

// The server's latest answer about the Secret under a key.
struct Observed {
  std::shared_ptr<const SecretView> secret;  // null: there is no such Secret
  std::uint64_t version = 0;  // version_number of the newest observation (of `secret`, unless gone); 0: accept any
  Generation generation = 0;  // when `secret` was seen last

  // The resourceVersion of `secret`, which is not null, as the server wrote it.
  [[nodiscard]] std::string resource_version() const;
};

// Wall time in seconds, for status rows only: nothing is measured with it.
using Stamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<std::uint32_t>>;

// The progress of the work on a key.
struct Progress {
  std::unique_ptr<Error> cause;                 // why state is not in_sync
  std::uint64_t written = 0;                    // the id of the plan's payload that was written last
  Digest accepted{};                            // the Secret's content after that write, carried-over entries included
  std::chrono::steady_clock::time_point wrote;  // our last write of the Secret, or the epoch
  Stamp last_change;  // our last write of the Secret or of a ServiceAccount for it, for display
  Stamp since;        // in `state`; the epoch: not tried yet
  SyncState state = SyncState::pending;
  std::uint8_t repairs = 0;  // consecutive rounds of writes that repaired somebody else's change
  bool decided = false;      // state and cause were decided from the cache, not from a failed request

  [[nodiscard]] bool tried() const { return since != Stamp(); }
};

struct Entry {
  Observed observed;
  Progress progress;
};

class ClusterCache {
 public:
  // Valid until the entry is erased.
  [[nodiscard]] const Entry* find(const Key& key) const;
  void erase(const Key& key);

  // Records a Secret, or (no view) its absence. An observation that is older than the known one, or the same, is
  // ignored: a watch and the answers to our requests arrive over different streams. Returns whether anything changed.
  // list: the list that shows it; nothing if it came from an event or a read since the newest list began.
  bool observe(const Key& key, std::uint64_t version, std::optional<SecretView> view,
               std::optional<Generation> list = std::nullopt);
  // Records that a watch by label no longer shows a Secret under the key: it is gone, or lost the label.
  bool observe_unlabelled(const Key& key, std::uint64_t version);
  // Records that the server has none, without a version: the next observation is accepted whatever its version.
  void observe_missing(const Key& key);
  // The known state may predate a restore of the server from a backup: the next observation is accepted whatever its
  // version. A list does this first for each of its objects, because it is the truth whatever was known.
  void doubt(const Key& key);
  // The list of a Secret name (in one namespace, or in all if empty) is complete: what was last seen before its
  // generation is gone.
  void observe_list_end(const std::string& secret, const std::string& name_space, Generation list);

  // The list of the Secrets with our label (in one namespace, or in all) is complete: labelled Secrets that were last
  // seen before its generation are gone.
  void observe_labelled_end(const std::string& name_space, Generation list);

  // For the Reconciler only. The entry is created if missing.
  Progress& progress(const Key& key);

  // Calls visit(namespace, entry) for every entry under a Secret name, in any order.
  void for_each(const std::string& secret, const std::function<void(const std::string&, const Entry&)>& visit) const;
  // Changes whenever a Secret is observed to change or disappears.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  // The Secret names that have entries.
  [[nodiscard]] std::vector<std::string> secret_names() const;

  // Null if there is no such namespace, or its current state is unknown. Valid until the namespace is observed again.
  [[nodiscard]] const NamespaceView* find_namespace(const std::string& name) const;
  // Returns whether the labels differ from those last seen, including before forbid_namespaces(). The namespace is then
  // unsettled until settle_labels().
  bool observe_namespace(const std::string& name, std::optional<NamespaceView> view);
  void settle_labels(const std::string& name_space) { unsettled_.erase(name_space); }
  [[nodiscard]] bool labels_settled(const std::string& name_space) const { return !unsettled_.contains(name_space); }
  [[nodiscard]] const std::set<std::string>& unsettled_namespaces() const { return unsettled_; }
  void observe_namespaces_end(Generation list);
  // Namespaces may not be listed (any more): an unknown one may exist, and a known one may have other labels by now.
  void forbid_namespaces();
  void for_each_namespace(const std::function<void(const std::string&, const NamespaceView&)>& visit) const;
  // Whether namespaces were listed in full and still may be listed.
  [[nodiscard]] bool namespaces_complete() const { return namespaces_complete_; }

  // Null: there is no such ServiceAccount, or it is not known.
  [[nodiscard]] const ServiceAccountView* find_account(const std::string& name_space, const std::string& name) const;
  // Like observe(), doubt() and observe_list_end(), for ServiceAccounts; an empty name means all names.
  bool observe_account(const std::string& name_space, const std::string& name, std::optional<ServiceAccountView> view,
                       std::optional<Generation> list = std::nullopt);
  void doubt_account(const std::string& name_space, const std::string& name);
  void observe_accounts_end(const std::string& name, const std::string& name_space, Generation list);
  // The known ServiceAccounts of a namespace.
  void for_each_account(const std::string& name_space,
                        const std::function<void(const std::string&, const ServiceAccountView&)>& visit) const;
  // Calls visit(namespace) for each known ServiceAccount that we attached a Secret of this name to.
  void for_each_attached(const std::string& secret, const std::function<void(const std::string&)>& visit) const;

  // A list begins.
  Generation begin_list() { return ++generation_; }

 private:
  struct Namespace {
    std::shared_ptr<const NamespaceView> view;  // null: kept only for its entries
    Generation generation = 0;                  // when `view` was seen last
    std::uint32_t entries = 0;                  // how many entries are in it
  };
  using Namespaces = std::unordered_map<std::string, Namespace>;
  // Keyed by the address of the namespace's name in namespaces_, which stays valid at least until its last entry is
  // gone.
  using Table = std::unordered_map<const std::string*, Entry>;
  struct Account {
    ServiceAccountView view;
    Generation generation = 0;
  };

  Entry& entry(const Key& key);  // made if missing
  [[nodiscard]] Entry* find_mutable(const Key& key);
  void forget_unseen(Table& table, const std::string& name_space, Generation list, bool only_labelled);
  // Drops the view, and the namespace too if it has no entries; returns the next one.
  Namespaces::iterator erase_view(Namespaces::iterator name_space);
  // Returns its element, created if missing. Throws Error(protocol) if there are most_namespaces already.
  Namespaces::iterator place_of(const std::string& name_space);

  SharedValues<NamespaceView> namespace_views_;
  SharedValues<SecretView> secret_views_;
  Namespaces namespaces_;
  bool namespaces_complete_ = false;
  Generation namespaces_since_ = 0;                                  // views last seen before this may be out of date
  std::set<std::string> unsettled_;                                  // namespaces whose labels have just changed
  std::map<std::string, Table> secrets_;                             // by Secret name
  std::map<std::pair<std::string, std::string>, Account> accounts_;  // by namespace and name
  Generation generation_ = 0;                                        // of the newest list that began
  std::uint64_t revision_ = 0;
};

}  // namespace regsync
