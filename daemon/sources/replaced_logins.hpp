// ReplacedLogins keeps each replaced login for a day, so that `regsync rollback` can restore it: only in the keyring,
// where Docker's clients do not see it.
//
// It calls the keyring on its own thread, which the first call starts. It never prompts: if the provider asks a person
// to confirm each change (KeePassXC), no replaced login is kept. Construct, use and destroy it on one thread.
#pragma once

#include <asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "daemon/sources/wall_clock_trust.hpp"
#include "helper/base/event_fd.hpp"
#include "helper/secret_service/secret_service_store.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

class ReplacedLogins {
 public:
  explicit ReplacedLogins(std::chrono::seconds kept_for = std::chrono::hours(24))
      : kept_for_(kept_for), wall_clock_(kept_for) {}
  ~ReplacedLogins();  // cancels a call that waits
  ReplacedLogins(const ReplacedLogins&) = delete;
  ReplacedLogins& operator=(const ReplacedLogins&) = delete;
  ReplacedLogins(ReplacedLogins&&) = delete;
  ReplacedLogins& operator=(ReplacedLogins&&) = delete;

  // Keeps the login in place of the one kept for the same registry.
  void keep(std::shared_ptr<const Credential> login);

  // Deletes logins that were kept long enough, except for the registries in in_doubt, whose present login is not known
  // to be valid. Does nothing while the clock may be ahead (WallClockTrust). Call it every hour.
  void drop_old(std::set<RegistryKey> in_doubt);

 private:
  void run(std::function<void(SecretServiceStore&)> work);

  const std::chrono::seconds kept_for_;
  WallClockTrust wall_clock_;
  EventFd cancel_;
  std::unique_ptr<SecretServiceStore> store_;  // used on the thread only
  std::optional<asio::thread_pool> thread_;
};

}  // namespace regsync
