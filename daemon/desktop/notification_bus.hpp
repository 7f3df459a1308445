// NotificationBus shows notices through org.freedesktop.Notifications on the session bus (Desktop Notifications
// Specification 1.2).
//
// The first notice starts a thread for the bus calls, so a desktop that does not answer delays nothing else. A machine
// without a desktop is not an error. Use and destroy it on one thread.
#pragma once

#include <asio/thread_pool.hpp>
#include <optional>

#include "daemon/desktop/desktop_notices.hpp"

namespace regsync {

class NotificationBus {
 public:
  NotificationBus() = default;
  ~NotificationBus();  // waits up to two seconds for a call in progress
  NotificationBus(const NotificationBus&) = delete;
  NotificationBus& operator=(const NotificationBus&) = delete;
  NotificationBus(NotificationBus&&) = delete;
  NotificationBus& operator=(NotificationBus&&) = delete;

  void show(DesktopNotice notice);

 private:
  std::optional<asio::thread_pool> thread_;
};

}  // namespace regsync
