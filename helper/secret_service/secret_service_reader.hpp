// Reads the Secret Service: its collections, the logins in them, their secrets. Never prompts, and never causes one.
//
// Calls SearchItems on each collection and not on the service, where KeePassXC answers with an unlock dialog if a
// database is locked (UnlockBeforeSearch). Reads items of the schemas given to its constructor: Docker's for logins,
// and ours.
//
// Uses the given client, on the client's thread. Errors: Error with code store_unavailable or cancelled; a malformed
// item is counted and does not affect the others.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helper/base/secret_string.hpp"
#include "helper/secret_service/secret_service_answers.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

// The registry and account of an item with this schema and server. User info stored by one of Docker's clients is not
// an account.
RegistryKey stored_key(const char* schema, std::string_view server);

struct StoreContents {
  std::vector<StoreCollection> collections;
  std::string default_collection;  // a path; empty if there is none
  // If a registry has several items, the first one counts. Items of the default collection come first; then the one
  // changed last; of two changed within the same second, the one with the greater path, because providers number paths
  // upwards.
  std::vector<StoredItem> items;
  std::size_t unreadable = 0;  // items of our schemas with malformed attributes

  // The collection with this path; null if there is none.
  [[nodiscard]] const StoreCollection* collection(const std::string& path) const;

  // Merges a new or changed item from changed_items(). False if that is not enough to know the current contents,
  // because a login may be gone or cannot be read. Call sort() afterwards.
  bool take(StoredItem item);
  // Sorts `items` as described there.
  void sort();
};

// Some items as they are now, and the default collection, because no signal reports a change of it.
struct ChangedItems {
  std::vector<StoredItem> items;   // in the order of their paths, without their collections
  std::string default_collection;  // a path; empty if there is none
};

class SecretServiceReader {
 public:
  // schemas: those of the items to read.
  SecretServiceReader(SecretServiceClient& client, std::vector<const char*> schemas)
      : client_(client), schemas_(std::move(schemas)) {}

  // Reads everything, from one provider without a change in between.
  StoreContents contents() { return contents(Depth{.in_full = nullptr, .all_in_full = true}); }

  // The same for a single registry: of other registries' items it reads the login, but neither their own lock nor their
  // time, which would triple the provider's work per item. Reads items in full where two belong to one registry.
  StoreContents contents(const RegistryKey& wanted) { return contents(Depth{.in_full = &wanted}); }

  // The same for the names of all logins, without preparing to read secrets.
  StoreContents names() { return contents(Depth{.secrets = false}); }

  // Reads the items with these paths. An item whose schema is not one of this reader's has a null schema. Returns
  // nullopt if one of them, or the default collection, cannot be read.
  std::optional<ChangedItems> changed_items(const std::vector<std::string>& paths);

  // The common case of `get` in few round trips: one readable item in the default collection with exactly this name.
  std::optional<Credential> lookup(const char* schema, const std::string& server);

  // Those of the collections that are locked and hold a login of this registry without showing it: until the first
  // unlock, gnome-keyring has only hashes of the attributes, by which it can find an item with given values. servers:
  // the spellings of the registry.
  std::vector<std::string> hidden_in(const std::vector<StoreCollection>& collections, const RegistryKey& key,
                                     const std::vector<std::string>& servers);

  // The secrets, in the order of the items. Reopens a session that the service has forgotten.
  std::vector<Answer<SecretString>> secrets(const std::vector<StoredItem>& items);

  // Whether the service refused the session that secrets() needs.
  [[nodiscard]] bool session_refused() const { return session_error_.has_value(); }

  // Whether the default collection is locked; nullopt if there is none. Cheaper than contents().
  std::optional<bool> default_lock();

  // Makes a call in the session for secrets. Opens the session if there is none, and again if the service has forgotten
  // it. The error is the call's, or the reason why there is no session.
  template <typename T>
  Answer<T> in_session(const std::function<Answer<T>(const std::string& session)>& call) {
    Answer<T> answer;
    if (auto refused = with_session([&](const std::string& session) {
          answer = call(session);
          return !answer.error || !is_no_session(*answer.error);
        })) {
      answer = {.value = {}, .error = std::move(refused)};
    }
    return answer;
  }

 private:
  struct Found {
    std::string path;
    std::size_t collection = 0;  // its index
    const char* schema = nullptr;
  };
  // What to read beside the names: each property costs the provider as much as a name.
  struct Depth {
    const RegistryKey* in_full = nullptr;  // the items of this registry
    bool all_in_full = false;              // the items of every registry
    bool secrets = true;                   // a session for secrets, which most callers need next
  };
  StoreContents contents(const Depth& depth);
  std::optional<StoreContents> try_contents(const Depth& depth);
  void ask_labels(std::vector<StoreCollection>& collections, bool all);
  std::vector<Answer<StoredItem>> ask_items(const std::vector<Found>& found, const Depth& depth);
  void read_items(StoreContents& contents, const std::vector<Found>& found, const Depth& depth);
  Question session_question(Answer<std::string>& answer) const;
  void keep_session(const Answer<std::string>& answer);
  void open_session();
  // The same for any work that returns whether the service knew the session. Returns the reason if there is no session,
  // nullopt otherwise.
  std::optional<BusError> with_session(const std::function<bool(const std::string& session)>& work);
  [[nodiscard]] bool has_session() const;

  SecretServiceClient& client_;
  const std::vector<const char*> schemas_;
  std::string session_;                    // D-Bus path; empty before the first one
  std::string session_owner_;              // the unique bus name of the service that holds it
  std::optional<BusError> session_error_;  // why there is none
};

}  // namespace regsync
