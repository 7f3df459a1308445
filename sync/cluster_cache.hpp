// What is known of one cluster: its namespaces, the Secrets under the names that matter, the ServiceAccounts to attach
// to, and for each key how its last reconciliation went. Plain data without I/O; one io_context thread.
//
// Sized for tens of thousands of namespaces: no Secret data, no managedFields, one entry of about 200 bytes per key.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sync/desired_state.hpp"
#include "sync/secret_object.hpp"
#include "sync/service_account.hpp"
#include "sync/status.hpp"
#include "sync/work_queue.hpp"

namespace regsync {

// Each list is a generation. What the newest complete list of its scope did not deliver, nor anything since, is gone.
using Generation = std::uint32_t;

struct Entry {
  std::unique_ptr<SecretView> secret;  // null: there is no such Secret
  std::unique_ptr<Error> cause;        // why state is not in_sync
  std::uint64_t written = 0;           // the id of the plan's payload that was written last
  Digest accepted{};                   // what then stood in the Secret, carried-over entries included
  WallTime since;
  WallTime last_change;       // our last write, or the epoch
  WallTime next_try;          // or the epoch
  std::uint64_t version = 0;  // resourceVersion of the newest news of the Secret, its deletion included
  Generation generation = 0;  // when `secret` was seen last
  SyncState state = SyncState::pending;
  std::uint8_t repairs = 0;  // writes in a row that put right what somebody else had changed
  bool adopt = false;        // --adopt, once
};

class ClusterCache {
 public:
  // References stay valid until the entry is erased.
  [[nodiscard]] Entry* find(const Key& key);
  [[nodiscard]] const Entry* find(const Key& key) const;
  Entry& entry(const Key& key);  // made if missing
  void erase(const Key& key);

  // Calls visit(namespace, entry) for every entry under a Secret name.
  void for_each(const std::string& secret, const std::function<void(const std::string&, Entry&)>& visit);
  void for_each(const std::string& secret, const std::function<void(const std::string&, const Entry&)>& visit) const;
  // The Secret names that have entries.
  [[nodiscard]] std::vector<std::string> secret_names() const;

  std::unordered_map<std::string, NamespaceView> namespaces;
  bool namespaces_complete = false;  // listed in full at least once, and allowed to

  struct KnownAccount {
    ServiceAccountView view;
    Generation generation = 0;
  };
  std::map<std::pair<std::string, std::string>, KnownAccount> service_accounts;  // by namespace and name

  Generation generation = 0;  // of the newest list that began

  // Many namespaces carry the same labels: each set of them is kept once.
  std::shared_ptr<const Labels> share(Labels labels);
  void forget_unused_labels();

 private:
  struct ByValue {
    bool operator()(const std::shared_ptr<const Labels>& a, const std::shared_ptr<const Labels>& b) const {
      return *a < *b;
    }
  };

  std::map<std::string, std::unordered_map<std::string, Entry>> secrets_;  // by Secret name, then namespace
  std::set<std::shared_ptr<const Labels>, ByValue> labels_;
};

}  // namespace regsync
