// Reads the Secret Service: its collections, the logins in them, their secrets. Never prompts, and never causes one.
//
// SearchItems is asked of each collection and not of the service: KeePassXC answers the service's with an unlock dialog
// when a database is locked (UnlockBeforeSearch). The items are those of the schemas that it is made with: Docker's for
// logins, and ours.
//
// Uses the client that it is given, on its thread. Errors: Error with code store_unavailable or cancelled; an item that
// makes no sense is counted, and is no error of the others.
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

// Whose login an item of this schema and server is. User info that one of Docker's clients stored is no account.
RegistryKey stored_key(const char* schema, std::string_view server);

struct StoreContents {
  std::vector<StoreCollection> collections;
  std::string default_collection;  // a path; empty if there is none
  // Where one registry has several, the first counts: that of the default collection; of those, the one changed last;
  // of two changed within one second, the one with the greater path, which providers count up.
  std::vector<StoredItem> items;
  std::size_t unreadable = 0;  // items of our schema whose attributes make no sense

  // The collection of this path; null if it is not there.
  [[nodiscard]] const StoreCollection* collection(const std::string& path) const;

  // Takes in an item of changed_items() that is new or has changed. False where that is not enough to know what is
  // there now: a login may be gone, or cannot be read. Follow with sort().
  bool take(StoredItem item);
  // Puts the items in their order.
  void sort();
};

// Some items as they are now, and which collection is the default one: no signal tells when another one becomes it.
struct ChangedItems {
  std::vector<StoredItem> items;   // in the order of their paths, without their collections
  std::string default_collection;  // a path; empty if there is none
};

class SecretServiceReader {
 public:
  // schemas: of the items that it reads.
  SecretServiceReader(SecretServiceClient& client, std::vector<const char*> schemas)
      : client_(client), schemas_(std::move(schemas)) {}

  // All of one provider, at one time.
  StoreContents contents() { return contents(Depth{.in_full = nullptr, .all_in_full = true}); }

  // The same, for who wants one registry only: of the other items it has the login, but neither a lock of their own nor
  // the time, which triple what an item costs the provider. Two items of one registry are read in full.
  StoreContents contents(const RegistryKey& wanted) { return contents(Depth{.in_full = &wanted}); }

  // The same, for who wants the names of all logins, and no secret.
  StoreContents names() { return contents(Depth{.secrets = false}); }

  // The items of these paths. One whose schema is none of this reader's has none. Nothing where one of them, or the
  // default collection, cannot be read.
  std::optional<ChangedItems> changed_items(const std::vector<std::string>& paths);

  // The common case of `get` in few round trips: one readable item of the default collection under exactly this name.
  std::optional<Credential> lookup(const char* schema, const std::string& server);

  // The locked ones of these collections that hold a login of this registry and do not show it: until the first
  // unlock gnome-keyring has no attributes but their hashes, by which it finds an item whose values are given.
  // servers: its spellings.
  std::vector<std::string> hidden_in(const std::vector<StoreCollection>& collections, const RegistryKey& key,
                                     const std::vector<std::string>& servers);

  // In the order of the items. A session that the service has forgotten is opened anew.
  std::vector<Answer<SecretString>> secrets(const std::vector<StoredItem>& items);

  // Whether the service refused the session that secrets() needs.
  [[nodiscard]] bool session_refused() const { return session_error_.has_value(); }

  // Whether the default collection is locked; nothing where there is none. Cheaper than contents().
  std::optional<bool> default_lock();

  // Makes a call in the session that secrets cross in, which is opened if there is none, and anew if the service has
  // forgotten it. The call's error, or why there is no session.
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
  // What is asked beside the names: each question costs the provider as much as a name.
  struct Depth {
    const RegistryKey* in_full = nullptr;  // the items of this registry
    bool all_in_full = false;              // the items of every registry
    bool secrets = true;                   // a session for secrets, which most need next
  };
  StoreContents contents(const Depth& depth);
  std::optional<StoreContents> try_contents(const Depth& depth);
  void ask_labels(std::vector<StoreCollection>& collections, bool all);
  std::vector<Answer<StoredItem>> ask_items(const std::vector<Found>& found, const Depth& depth);
  void read_items(StoreContents& contents, const std::vector<Found>& found, const Depth& depth);
  Question session_question(Answer<std::string>& answer) const;
  void keep_session(const Answer<std::string>& answer);
  void open_session();
  // The same for any work, which says whether the service knew the session. Why there is none; nothing else.
  std::optional<BusError> with_session(const std::function<bool(const std::string& session)>& work);
  [[nodiscard]] bool has_session() const;

  SecretServiceClient& client_;
  const std::vector<const char*> schemas_;
  std::string session_;                    // D-Bus path; empty before the first one
  std::string session_owner_;              // the unique bus name of the service that keeps it
  std::optional<BusError> session_error_;  // why there is none
};

}  // namespace regsync
