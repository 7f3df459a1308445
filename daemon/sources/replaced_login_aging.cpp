#include "daemon/sources/replaced_login_aging.hpp"

#include <utility>

#include "sync/base/spawn_guarded.hpp"
#include "sync/logins/login_files.hpp"

namespace regsync {

ReplacedLoginAging::ReplacedLoginAging(const asio::any_io_executor& executor, ReplacedLogins& logins,
                                       std::function<std::set<RegistryKey>()> in_doubt)
    : logins_(logins), in_doubt_(std::move(in_doubt)), timer_(executor) {}

void ReplacedLoginAging::start() { drop_old_after(std::chrono::minutes(1)); }

void ReplacedLoginAging::on_reading(const StoreReading& reading) {
  keyring_is_open_ = reading.provider && reading.provider->program != login_files_program && !reading.problem;
}

void ReplacedLoginAging::drop_old_after(std::chrono::seconds time) {
  timer_.expires_after(time);
  timer_.async_wait([this](const asio::error_code& error) {
    if (error) {
      return;
    }
    guarded_logged("keyring", [this] {
      if (keyring_is_open_) {
        logins_.drop_old(in_doubt_());
      }
    });
    drop_old_after(std::chrono::hours(1));
  });
}

}  // namespace regsync
