// ClusterCache is the state of one cluster: its namespaces, the Secrets under the names that matter, the
// ServiceAccounts to attach to, and for each key how far the work on it is. Plain data without I/O; one io_context
// thread.
//
// Each piece has one writer: what was observed is written by observe() and its siblings, which ClusterWatches and
// Reconciler call with what a server said; progress is written by the Reconciler alone. Everything else is derived.
//
// Sized for tens of thousands of namespaces: no Secret data, no managedFields. Most Secrets differ from each other in
// their version only, most namespaces in their name only, so what they have in common is kept once, and so is each
// name. That makes about 90 bytes for a namespace and 120 for each key in it.
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

// Each list is a generation. What the newest complete list of its scope did not deliver, nor anything since, is gone.
using Generation = std::uint32_t;

// What a server said last of the Secret under a key.
struct Observed {
  std::shared_ptr<const SecretView> secret;  // null: there is no such Secret
  std::uint64_t version = 0;  // version_number of the newest news (of `secret`, unless it is gone); 0: all is news
  Generation generation = 0;  // when `secret` was seen last

  // That of `secret`, which is not null, as the server wrote it.
  [[nodiscard]] std::string resource_version() const;
};

// Wall time that a status row shows, in seconds: nothing is measured with it.
using Stamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<std::uint32_t>>;

// How far the work on a key is.
struct Progress {
  std::unique_ptr<Error> cause;                 // why state is not in_sync
  std::uint64_t written = 0;                    // the id of the plan's payload that was written last
  Digest accepted{};                            // what then stood in the Secret, carried-over entries included
  std::chrono::steady_clock::time_point wrote;  // our last write of the Secret, or the epoch
  Stamp last_change;                            // the same, or of a ServiceAccount for it, for people
  Stamp since;                                  // in `state`; the epoch: not tried yet
  SyncState state = SyncState::pending;
  std::uint8_t repairs = 0;  // rounds of writes in a row that put right what somebody else had changed
  bool decided = false;      // state and cause were decided from what is known; no request met them

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

  // News of a Secret: a view, or nothing where it is gone. News that is older than what is known, or the same, changes
  // nothing: a watch and the answers to our requests arrive over different streams. Returns whether anything changed.
  // list: that shows it; nothing where it was told or read since the newest list began.
  bool observe(const Key& key, std::uint64_t version, std::optional<SecretView> view,
               std::optional<Generation> list = std::nullopt);
  // A watch by label says that no Secret with our label is under the key any more: it is gone, or lost the label.
  bool observe_unlabelled(const Key& key, std::uint64_t version);
  // The server said that there is none, without a version: whatever is told next is news.
  void observe_missing(const Key& key);
  // What is known may be from before the server was restored from a backup: whatever is told next is news. A list
  // begins like this with each of its objects, because it is the truth whatever was known.
  void doubt(const Key& key);
  // The list of a Secret name (in one namespace, or in all if that is empty) is complete: what was seen last before its
  // generation is gone.
  void observe_list_end(const std::string& secret, const std::string& name_space, Generation list);

  // The list of the Secrets with our label (in one namespace, or in all) is complete: of those with the label, what was
  // seen last before its generation is gone.
  void observe_labelled_end(const std::string& name_space, Generation list);

  // For the Reconciler alone. The entry is made if it is missing.
  Progress& progress(const Key& key);

  // Calls visit(namespace, entry) for every entry under a Secret name, in any order.
  void for_each(const std::string& secret, const std::function<void(const std::string&, const Entry&)>& visit) const;
  // Differs from what it was once another Secret was observed, or one went.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  // The Secret names that have entries.
  [[nodiscard]] std::vector<std::string> secret_names() const;

  // Null: there is no such namespace, or it is not known as it is now. Valid until the namespace is observed again.
  [[nodiscard]] const NamespaceView* find_namespace(const std::string& name) const;
  // Returns whether one has other labels than it was seen with last, also before forbid_namespaces(): they are not
  // settled until settle_labels().
  bool observe_namespace(const std::string& name, std::optional<NamespaceView> view);
  void settle_labels(const std::string& name_space) { unsettled_.erase(name_space); }
  [[nodiscard]] bool labels_settled(const std::string& name_space) const { return !unsettled_.contains(name_space); }
  [[nodiscard]] const std::set<std::string>& unsettled_namespaces() const { return unsettled_; }
  void observe_namespaces_end(Generation list);
  // They may not be listed (any more): a namespace that is not known may exist, and one that is known may have other
  // labels by now.
  void forbid_namespaces();
  void for_each_namespace(const std::function<void(const std::string&, const NamespaceView&)>& visit) const;
  // Whether they were listed in full, and still may be.
  [[nodiscard]] bool namespaces_complete() const { return namespaces_complete_; }

  // Null: there is no such ServiceAccount, or it is not known.
  [[nodiscard]] const ServiceAccountView* find_account(const std::string& name_space, const std::string& name) const;
  // As observe(), doubt() and observe_list_end() are for Secrets; an empty name is every one.
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
    std::shared_ptr<const NamespaceView> view;  // null: it is here for the sake of its entries
    Generation generation = 0;                  // when `view` was seen last
    std::uint32_t entries = 0;                  // how many entries are in it
  };
  using Namespaces = std::unordered_map<std::string, Namespace>;
  // By the address of the namespace's name in namespaces_, where it stays at least until the last entry has left it.
  using Table = std::unordered_map<const std::string*, Entry>;
  struct Account {
    ServiceAccountView view;
    Generation generation = 0;
  };

  Entry& entry(const Key& key);  // made if missing
  [[nodiscard]] Entry* find_mutable(const Key& key);
  void forget_unseen(Table& table, const std::string& name_space, Generation list, bool only_labelled);
  // Forgets what is there of it, and itself where no entry is in it; returns the next one.
  Namespaces::iterator erase_view(Namespaces::iterator name_space);
  // Makes room for it if need be. Throws Error(protocol) where there are most_namespaces already.
  Namespaces::iterator place_of(const std::string& name_space);

  SharedValues<NamespaceView> namespace_views_;
  SharedValues<SecretView> secret_views_;
  Namespaces namespaces_;
  bool namespaces_complete_ = false;
  Generation namespaces_since_ = 0;                                  // what was seen last before may be out of date
  std::set<std::string> unsettled_;                                  // namespaces whose labels have just changed
  std::map<std::string, Table> secrets_;                             // by Secret name
  std::map<std::pair<std::string, std::string>, Account> accounts_;  // by namespace and name
  Generation generation_ = 0;                                        // of the newest list that began
  std::uint64_t revision_ = 0;
};

}  // namespace regsync
