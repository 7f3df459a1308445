// Follows the Secret Service and delivers readings of it.
//
// Owns the store thread, on which the store is used and D-Bus signals arrive; between them it sleeps. A burst of
// signals becomes one reading. Signals carry no news, only "look again". A restarted or late keyring daemon
// (NameOwnerChanged of org.freedesktop.secrets) is reconnected to and read again. Never prompts. Never polls, but for a
// locked keyring: no signal says that pam_gnome_keyring unlocked it.
//
// Constructed, used and destroyed on the io_context thread; the handler is called there (asio::post). The destructor
// joins the thread; no handler runs after it.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <set>

#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

class StoreMonitor {
 public:
  using Handler = std::function<void(StoreReading)>;

  StoreMonitor(asio::any_io_executor executor, Handler on_reading);
  ~StoreMonitor();
  StoreMonitor(const StoreMonitor&) = delete;
  StoreMonitor& operator=(const StoreMonitor&) = delete;
  StoreMonitor(StoreMonitor&&) = delete;
  StoreMonitor& operator=(StoreMonitor&&) = delete;

  // The registries whose secrets are loaded from now on; starts a new reading. Nothing else leaves the keyring.
  void want(std::set<RegistryKey> registries);

  // Reads again now (a person asked).
  void refresh();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
