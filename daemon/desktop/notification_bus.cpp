#include "daemon/desktop/notification_bus.hpp"

#include <asio/post.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {
namespace {

constexpr std::chrono::seconds patience{2};

// The body of a notice may contain markup, so external text must be escaped.
std::string without_markup(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return safe;
}

void call_notify(const DesktopNotice& notice) {
  try {
    BusConnection bus;
    bus.call(
        {.destination = "org.freedesktop.Notifications",
         .path = "/org/freedesktop/Notifications",
         .interface = "org.freedesktop.Notifications",
         .name = "Notify"},
        [&](auto* message) {
          write_to(message, "susssasa{sv}i", "regsync", 0U, "dialog-warning", notice.title, without_markup(notice.text),
                   0, 0, -1);
        },
        patience);
  } catch (const Error& error) {
    log::debug("no desktop notification was shown: " + error.message());
  }
}

}  // namespace

NotificationBus::~NotificationBus() {
  if (thread_) {
    thread_->stop();  // drops notices that are not shown yet
    thread_->join();
  }
}

void NotificationBus::show(DesktopNotice notice) {
  if (!thread_) {
    thread_.emplace(1);
  }
  asio::post(*thread_, [notice = std::move(notice)] {
    guarded_logged("desktop notification", [&] { call_notify({presentable(notice.title), notice.text}); });
  });
}

}  // namespace regsync
