// What is known of one cluster: its namespaces, the Secrets under the names that matter, the ServiceAccounts to attach
// to, and for each key how its last reconciliation went. Plain data without I/O; one io_context thread.
//
// Sized for tens of thousands of namespaces: no Secret data, no managedFields. Most Secrets differ from each other in
// their version only, most namespaces in their name only, so what they have in common is kept once, and so is each
// name. That makes about 90 bytes for a namespace and 120 for each key in it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sync/cluster/service_account.hpp"
#include "sync/cluster/work_queue.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/secret_object.hpp"
#include "sync/model/shared_values.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// Each list is a generation. What the newest complete list of its scope did not deliver, nor anything since, is gone.
using Generation = std::uint32_t;

struct Entry {
  std::shared_ptr<const SecretView> secret;  // of ClusterCache::share(); null: there is no such Secret
  std::unique_ptr<Error> cause;              // why state is not in_sync
  std::uint64_t written = 0;                 // the id of the plan's payload that was written last
  Digest accepted{};                         // what then stood in the Secret, carried-over entries included
  WallTime since;
  WallTime last_change;       // our last write, or the epoch
  WallTime next_try;          // or the epoch
  std::uint64_t version = 0;  // version_number of the newest news of the Secret (of `secret`, unless it is gone)
  Generation generation = 0;  // when `secret` was seen last
  SyncState state = SyncState::pending;
  std::uint8_t repairs = 0;  // writes in a row that put right what somebody else had changed
  bool adopt = false;        // --adopt, once

  // That of `secret`, which is not null, as the server wrote it.
  [[nodiscard]] std::string resource_version() const;
};

class ClusterCache {
 public:
  // References stay valid until the entry is erased.
  [[nodiscard]] Entry* find(const Key& key);
  [[nodiscard]] const Entry* find(const Key& key) const;
  Entry& entry(const Key& key);  // made if missing
  void erase(const Key& key);

  // Calls visit(namespace, entry) for every entry under a Secret name, in any order.
  void for_each(const std::string& secret, const std::function<void(const std::string&, Entry&)>& visit);
  void for_each(const std::string& secret, const std::function<void(const std::string&, const Entry&)>& visit) const;
  // The Secret names that have entries.
  [[nodiscard]] std::vector<std::string> secret_names() const;

  // Null: there is no such namespace, or it is not known. Valid until the namespace is put or erased.
  [[nodiscard]] const NamespaceView* find_namespace(const std::string& name) const;
  void put_namespace(const std::string& name, NamespaceView view, Generation seen);
  void erase_namespace(const std::string& name);
  void erase_namespaces_before(Generation list);  // those that were last seen before it
  void for_each_namespace(const std::function<void(const std::string&, const NamespaceView&)>& visit) const;
  bool namespaces_complete = false;  // listed in full at least once, and allowed to

  struct KnownAccount {
    ServiceAccountView view;
    Generation generation = 0;
  };
  std::map<std::pair<std::string, std::string>, KnownAccount> service_accounts;  // by namespace and name

  Generation generation = 0;  // of the newest list that began

  std::shared_ptr<const SecretView> share(SecretView view) { return secret_views_.share(std::move(view)); }

 private:
  struct Namespace {
    std::shared_ptr<const NamespaceView> view;  // null: it is here for the sake of its entries
    Generation generation = 0;                  // when `view` was seen last
    std::uint32_t entries = 0;                  // how many entries are in it
  };
  using Namespaces = std::unordered_map<std::string, Namespace>;
  // By the address of the namespace's name in namespaces_, where it stays at least until the last entry has left it.
  using Table = std::unordered_map<const std::string*, Entry>;

  // Forgets what is there of it, and itself where no entry is in it; returns the next one.
  Namespaces::iterator erase_view(Namespaces::iterator name_space);

  SharedValues<NamespaceView> namespace_views_;
  SharedValues<SecretView> secret_views_;
  Namespaces namespaces_;
  std::map<std::string, Table> secrets_;  // by Secret name
};

}  // namespace regsync
