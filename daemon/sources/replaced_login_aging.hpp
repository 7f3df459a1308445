// ReplacedLoginAging deletes expired replaced logins every hour.
//
// It does so only if the last reading found the keyring running and unlocked: a call could start a keyring that the
// person stopped. Owned by the Daemon. Lives on the io_context thread. Errors are logged.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <set>

#include "daemon/sources/replaced_logins.hpp"
#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

class ReplacedLoginAging {
 public:
  // logins must outlive this object. in_doubt: see ReplacedLogins::drop_old.
  ReplacedLoginAging(const asio::any_io_executor& executor, ReplacedLogins& logins,
                     std::function<std::set<RegistryKey>()> in_doubt);

  // Schedules the first deletion in a minute.
  void start();
  // Remembers whether the keyring is running and unlocked.
  void on_reading(const StoreReading& reading);
  void cancel() { timer_.cancel(); }

 private:
  void drop_old_after(std::chrono::seconds time);

  ReplacedLogins& logins_;
  std::function<std::set<RegistryKey>()> in_doubt_;
  asio::steady_timer timer_;
  bool keyring_is_open_ = false;
};

}  // namespace regsync
