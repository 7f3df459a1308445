#include "daemon/desktop/notification_bus.hpp"

#include <systemd/sd-bus.h>

#include <asio/post.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "helper/base/text.hpp"
#include "sync/base/guard.hpp"
#include "sync/base/log.hpp"

namespace regsync {
namespace {

constexpr std::uint64_t patience_us = 2'000'000;

struct Close {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};

// The body of a notice may be markup: what comes from elsewhere is text.
std::string without_markup(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return safe;
}

void call_notify(const DesktopNotice& notice) {
  sd_bus* opened = nullptr;
  int result = sd_bus_open_user(&opened);
  const std::unique_ptr<sd_bus, Close> bus(opened);
  if (result >= 0) {
    sd_bus_message* made = nullptr;
    result =
        sd_bus_message_new_method_call(bus.get(), &made, "org.freedesktop.Notifications",
                                       "/org/freedesktop/Notifications", "org.freedesktop.Notifications", "Notify");
    const std::unique_ptr<sd_bus_message, Close> message(made);
    if (result >= 0) {
      result = sd_bus_message_append(message.get(), "susssasa{sv}i", "regsync", 0U, "dialog-warning",
                                     notice.title.c_str(), without_markup(notice.text).c_str(), 0, 0, -1);
    }
    if (result >= 0) {
      result = sd_bus_call(bus.get(), message.get(), patience_us, nullptr, nullptr);
    }
  }
  if (result < 0) {
    log::debug("no desktop notification was shown: " + std::string(std::strerror(-result)));
  }
}

}  // namespace

NotificationBus::~NotificationBus() {
  if (thread_) {
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
