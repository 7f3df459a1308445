// Announcements tell what changed where nobody asks: the line of `systemctl status`, and notices on the desktop.
//
// Owned by the Daemon. Lives on the io_context thread; a notice is shown on a thread of its own (NotificationBus). What
// goes wrong is logged.
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
  // view outlives this.
  Announcements(const asio::any_io_executor& executor, FleetView& view);

  // notifications of the settings.
  void enable_notices(bool enabled) { notices_.enable(enabled); }

  // The view may be another one: what is news is told soon.
  void changed();
  // See EngineHooks::on_login_ending.
  void login_ends(const Error& notice);

  // Nothing more is told.
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
