// ReplacedLoginAging deletes each hour the replaced logins that have been kept for long enough.
//
// Only of a keyring that is there and open, as its last reading said: to ask would start one that the person stopped.
// Owned by the Daemon. Lives on the io_context thread. What goes wrong is logged.
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
  // logins outlives this. in_doubt: see ReplacedLogins::drop_old.
  ReplacedLoginAging(const asio::any_io_executor& executor, ReplacedLogins& logins,
                     std::function<std::set<RegistryKey>()> in_doubt);

  // Begins, a minute from now.
  void start();
  // The logins were read.
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
