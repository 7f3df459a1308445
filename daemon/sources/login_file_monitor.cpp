#include "daemon/sources/login_file_monitor.hpp"

#include <asio/post.hpp>
#include <utility>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

LoginFileMonitor::LoginFileMonitor(asio::any_io_executor executor, std::vector<std::filesystem::path> paths,
                                   Handler on_reading,
                                   std::function<void(std::map<std::string, std::string>)> on_helpers)
    : executor_(std::move(executor)),
      on_reading_(std::move(on_reading)),
      on_helpers_(std::move(on_helpers)),
      files_(std::move(paths)),
      monitor_(executor_, [this] { read(); }) {
  refresh();
}

void LoginFileMonitor::want(std::set<RegistryKey> registries) {
  wanted_ = std::move(registries);
  refresh();
}

void LoginFileMonitor::refresh() {
  asio::post(executor_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) {
      guarded_logged("login files", [this] { read(); });
    }
  });
}

void LoginFileMonitor::read() {
  StoreReading reading = files_.read(wanted_);
  if (files_.followed() != followed_) {
    followed_ = files_.followed();
    monitor_.follow(followed_);
    reading = files_.read(wanted_);  // read again: it may have changed before it was followed
  }
  if (files_.helpers() != helpers_) {
    helpers_ = files_.helpers();
    on_helpers_(*helpers_);
  }
  on_reading_(std::move(reading));
}

}  // namespace regsync
