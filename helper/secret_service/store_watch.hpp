// Follows the Secret Service and reads it whenever it may have changed.
//
// Owns the store thread, on which the store is used and D-Bus signals arrive; between them it sleeps. A burst of
// signals becomes one reading. Signals carry no news: each only starts a reading, of everything, or of the items alone
// that it says are new or changed (StoreReading::only_changes). A restarted or late keyring daemon
// (NameOwnerChanged of org.freedesktop.secrets) is read again. Never prompts. Without a signal it looks again only
// where none can come: at a locked default collection, which pam_gnome_keyring unlocks silently, and, ever more seldom,
// at a bus or a provider that failed or has no default collection.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

class StoreWatch {
 public:
  // Called on the store thread; throws nothing.
  using Handler = std::function<void(StoreReading)>;

  // Starts with a reading.
  explicit StoreWatch(Handler on_reading);
  // Ends a call that waits, and joins the thread: the handler is not called any more.
  ~StoreWatch();
  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;
  StoreWatch(StoreWatch&&) = delete;
  StoreWatch& operator=(StoreWatch&&) = delete;

  // The registries whose secrets are read from now on; starts a new reading. No other secret leaves the keyring.
  // Any thread.
  void want(std::set<RegistryKey> registries);

  // Reads again now. Any thread.
  void refresh();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
