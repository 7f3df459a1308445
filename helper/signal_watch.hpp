// A subscription to a D-Bus signal.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <utility>

namespace regsync {

// While it lives, the arguments of each signal that matches are handed to the handler, on the thread and in the main
// context that were the default where it was made; there it is destroyed too, and before its connection. GLib is given
// nothing to free: it would do so on the context's loop, and that may have ended.
class SignalWatch {
 public:
  using Handler = std::function<void(GVariant* arguments)>;
  struct Match {  // null: any
    const char* sender = nullptr;
    const char* interface = nullptr;
    const char* signal = nullptr;
    const char* path = nullptr;
    const char* first_argument = nullptr;
  };

  SignalWatch(GDBusConnection* connection, const Match& match, Handler handler)
      : connection_(connection), handler_(std::move(handler)) {
    id_ = g_dbus_connection_signal_subscribe(
        connection_, match.sender, match.interface, match.signal, match.path, match.first_argument,
        G_DBUS_SIGNAL_FLAGS_NONE,
        [](GDBusConnection*, const gchar*, const gchar*, const gchar*, const gchar*, GVariant* arguments,
           gpointer data) { static_cast<SignalWatch*>(data)->handler_(arguments); },
        this, nullptr);
  }
  ~SignalWatch() { g_dbus_connection_signal_unsubscribe(connection_, id_); }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  SignalWatch(SignalWatch&&) = delete;
  SignalWatch& operator=(SignalWatch&&) = delete;

 private:
  GDBusConnection* const connection_;
  const Handler handler_;
  guint id_ = 0;
};

}  // namespace regsync
