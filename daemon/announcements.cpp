#include "daemon/announcements.hpp"

#include <systemd/sd-daemon.h>

#include <chrono>
#include <cstdlib>

#include "helper/base/text.hpp"

namespace regsync {

namespace {

// Notices are about states that have lasted for a minute, so this need not be short.
constexpr auto notice_delay = std::chrono::seconds(15);

// `systemctl status` is read by people.
constexpr auto summary_delay = std::chrono::seconds(1);

}  // namespace

Announcements::Announcements(const asio::any_io_executor& executor, FleetView& view)
    : view_(view),
      telling_systemd_(executor, summary_delay, "summary", [this] { tell_systemd(); }),
      showing_notices_(executor, notice_delay, "desktop notifications", [this] { show_notices(); }) {}

void Announcements::changed() {
  if (cancelled_) {
    return;
  }
  showing_notices_.ask();
  if (std::getenv("NOTIFY_SOCKET") != nullptr) {  // sd_notify(3): otherwise nothing shows it
    telling_systemd_.ask();
  }
}

void Announcements::login_ends(const Error& notice) {
  if (!cancelled_) {
    notices_.login_ends(notice.message(), notice.remedy());
  }
}

void Announcements::cancel() {
  cancelled_ = true;
  telling_systemd_.cancel();
  showing_notices_.cancel();
}

void Announcements::tell_systemd() {
  sd_notify(0, ("STATUS=" + one_line(*view_.summary().get())).c_str());
  if (view_.summary().stale()) {
    telling_systemd_.ask();
  }
}

void Announcements::show_notices() {
  if (notices_.notify_about(*view_.report().get(), std::chrono::system_clock::now()) || view_.report().stale()) {
    showing_notices_.ask();
  }
}

}  // namespace regsync
