// Keeps each login that another one has replaced, so that `regsync rollback` can put it back: in the keyring and
// nowhere else, for a day, where Docker's clients do not see it.
//
// The keyring is used on a thread of its own, which is made when there is something to do. It asks nobody: where a
// provider wants a person's consent for each change (KeePassXC), no replaced login is kept. Constructed, used and
// destroyed on one thread.
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
  ~ReplacedLogins();  // ends a call that waits
  ReplacedLogins(const ReplacedLogins&) = delete;
  ReplacedLogins& operator=(const ReplacedLogins&) = delete;
  ReplacedLogins(ReplacedLogins&&) = delete;
  ReplacedLogins& operator=(ReplacedLogins&&) = delete;

  // In the place of the one that is kept for the registry.
  void keep(std::shared_ptr<const Credential> login);

  // Deletes what has been kept for long enough, but not of the registries whose present login is not known to be good;
  // nothing while the clock may be ahead. To be called each hour.
  void drop_old(std::set<RegistryKey> in_doubt);

 private:
  void run(std::function<void(SecretServiceStore&)> work);

  const std::chrono::seconds kept_for_;
  WallClockTrust wall_clock_;
  EventFd cancel_;
  std::unique_ptr<SecretServiceStore> store_;  // of the thread
  std::optional<asio::thread_pool> thread_;
};

}  // namespace regsync
