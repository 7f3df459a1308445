// Announcements publishes changes without being asked: in the status line of `systemctl status` and as desktop notices.
//
// Owned by the Daemon. Lives on the io_context thread; NotificationBus shows notices on its own thread. Errors are
// logged.
#pragma once

#include <asio/any_io_executor.hpp>

#include "daemon/desktop/desktop_notices.hpp"
#include "daemon/desktop/notification_bus.hpp"
#include "daemon/fleet_view.hpp"
#include "helper/base/error.hpp"
#include "sync/base/coalesced_call.hpp"

namespace regsync {

class Announcements {
 public:
  // view must outlive this object.
  Announcements(const asio::any_io_executor& executor, FleetView& view);

  // The setting `notifications`.
  void enable_notices(bool enabled) { notices_.enable(enabled); }

  // The view may have changed: publishes the news after a short delay.
  void changed();
  // See EngineHooks::on_login_ending.
  void login_ends(const Error& notice);

  // Stops all announcements.
  void cancel();

 private:
  void tell_systemd();
  void show_notices();

  FleetView& view_;
  NotificationBus desktop_;
  DesktopNotices notices_{[this](DesktopNotice notice) { desktop_.show(std::move(notice)); }};
  bool cancelled_ = false;
  CoalescedCall telling_systemd_;
  CoalescedCall showing_notices_;
};

}  // namespace regsync
