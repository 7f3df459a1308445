// Follows the Secret Service and reads it whenever it may have changed.
//
// Owns the store thread, which uses the store, receives D-Bus signals, and sleeps otherwise. A burst of signals becomes
// one reading. Signals carry no contents: each only starts a reading, either of everything or of just the items that it
// reports as new or changed (StoreReading::only_changes). A restarted or late keyring daemon (NameOwnerChanged of
// org.freedesktop.secrets) is read again. Never prompts. It polls only where no signal can come: a locked default
// collection, which pam_gnome_keyring unlocks silently, and, at growing intervals, a bus or provider that failed or has
// no default collection.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

class StoreWatch {
 public:
  // Called on the store thread; must not throw.
  using Handler = std::function<void(StoreReading)>;

  // Starts the thread, which begins with a reading.
  explicit StoreWatch(Handler on_reading);
  // Cancels a waiting call and joins the thread. The handler is not called afterwards.
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
