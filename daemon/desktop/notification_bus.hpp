// Shows notices through org.freedesktop.Notifications on the session bus (Desktop Notifications Specification 1.2).
//
// Works on a thread of its own, which is made with the first notice: a desktop that does not answer delays nothing. A
// machine without one is no error. Used and destroyed on one thread.
#pragma once

#include <asio/thread_pool.hpp>
#include <optional>

#include "daemon/desktop/desktop_notices.hpp"

namespace regsync {

class NotificationBus {
 public:
  NotificationBus() = default;
  ~NotificationBus();  // waits for a call that is under way, two seconds at most
  NotificationBus(const NotificationBus&) = delete;
  NotificationBus& operator=(const NotificationBus&) = delete;
  NotificationBus(NotificationBus&&) = delete;
  NotificationBus& operator=(NotificationBus&&) = delete;

  void show(DesktopNotice notice);

 private:
  std::optional<asio::thread_pool> thread_;
};

}  // namespace regsync
