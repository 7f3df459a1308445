#include "daemon/store_monitor.hpp"

#include <array>
#include <asio/post.hpp>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "helper/secret_service_bus.hpp"
#include "helper/secret_service_store.hpp"
#include "helper/signal_watch.hpp"

namespace regsync {
namespace {

// The first signal is answered at once; what follows within this time (a store emits two or three signals, an unlock
// one per item) becomes one more reading at its end.
constexpr guint settle_milliseconds = 20;

// gnome-keyring emits no signal when it is unlocked over its control socket, which is how pam_gnome_keyring does it
// at login. So a locked keyring, and only that, is asked again; one call that ends at its first answer.
constexpr guint locked_retry_milliseconds = 2000;

}  // namespace

// Lives on two threads: constructed and destroyed on the io_context's, everything between on the GLib thread.
class StoreMonitor::Impl {
 public:
  Impl(asio::any_io_executor executor, Handler on_reading)
      : executor_(std::move(executor)),
        handler_(std::make_shared<Handler>(std::move(on_reading))),
        cancel_(g_cancellable_new()),
        context_(g_main_context_new()),
        loop_(g_main_loop_new(context_.get(), FALSE)),
        thread_([this] { run(); }) {}

  ~Impl() {
    handler_.reset();  // what is posted already finds nobody
    g_cancellable_cancel(cancel_.get());
    post([this] { g_main_loop_quit(loop_.get()); });
    thread_.join();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  // Runs it on the GLib thread. Not g_main_context_invoke, which may run it on the caller's.
  void post(std::function<void()> work, guint after_milliseconds = 0) {
    GSource* const source = g_timeout_source_new(after_milliseconds);
    g_source_set_callback(
        source,
        [](gpointer data) -> gboolean {
          (*static_cast<std::function<void()>*>(data))();
          return G_SOURCE_REMOVE;
        },
        new std::function<void()>(std::move(work)),
        [](gpointer data) { delete static_cast<std::function<void()>*>(data); });
    g_source_attach(source, context_.get());
    g_source_unref(source);
  }

  void want(std::set<RegistryKey> registries) {
    wanted_ = std::move(registries);
    read();
  }

  void read() {
    try {
      connect();
      deliver(store_->load(wanted_));
      locked_ = false;
    } catch (...) {
      const Error problem = current_error();
      locked_ = problem.code() == ErrorCode::locked;
      deliver(problem);
    }
    if (locked_ && !std::exchange(retrying_, true)) {
      retry_soon();
    }
  }

 private:
  void run() {
    g_main_context_push_thread_default(context_.get());
    read();
    g_main_loop_run(loop_.get());
    disconnect();
    g_main_context_pop_thread_default(context_.get());
  }

  // Subscribes before the first reading, so that no change falls between. A bus that died is left behind whole: GLib
  // hands out the same connection as long as somebody holds it.
  void connect() {
    if (connection_ && g_dbus_connection_is_closed(connection_.get()) == FALSE) {
      return;
    }
    disconnect();
    store_.emplace(Prompt::never, cancel_.get());
    connection_ = SecretServiceBus(cancel_.get()).share_connection();
    signals_.emplace_back(connection_.get(),
                          SignalWatch::Match{.sender = "org.freedesktop.DBus",
                                             .interface = "org.freedesktop.DBus",
                                             .signal = "NameOwnerChanged",
                                             .first_argument = secret_service_name},
                          [this](GVariant* arguments) { owner_changed(arguments); });
    for (const char* interface : {"org.freedesktop.Secret.Service", "org.freedesktop.Secret.Collection"}) {
      signals_.emplace_back(connection_.get(),
                            SignalWatch::Match{.sender = secret_service_name, .interface = interface},
                            [this](GVariant*) { look_again(); });
    }
    g_signal_connect(connection_.get(), "closed", G_CALLBACK(+[](GDBusConnection*, gboolean, GError*, gpointer self) {
                       auto* impl = static_cast<Impl*>(self);
                       impl->post([impl] { impl->read(); });  // once the emission has let go of the connection
                     }),
                     this);
  }

  void disconnect() {
    if (connection_) {
      g_signal_handlers_disconnect_by_data(connection_.get(), this);
    }
    signals_.clear();
    store_.reset();
    connection_.reset();
  }

  void owner_changed(GVariant* arguments) {
    const char* new_owner = nullptr;
    g_variant_get(arguments, "(&s&s&s)", nullptr, nullptr, &new_owner);
    if (*new_owner == '\0') {
      // Not a reading: the call would start the provider that the person just stopped.
      deliver(no_provider_error());
    } else {
      look_again();
    }
  }

  void look_again() {
    if (settling_) {
      again_ = true;
      return;
    }
    settling_ = true;
    post(
        [this] {
          settling_ = false;
          if (std::exchange(again_, false)) {
            look_again();
          }
        },
        settle_milliseconds);
    read();
  }

  void retry_soon() {
    post(
        [this] {
          if (locked_ && still_locked()) {
            retry_soon();
            return;
          }
          retrying_ = false;
          if (locked_) {
            read();
          }
        },
        locked_retry_milliseconds);
  }

  bool still_locked() {
    try {
      return store_->locked();
    } catch (...) {
      return false;  // a reading will say what else it is
    }
  }

  void deliver(Error problem) {
    deliver(Logins{.asked = wanted_, .credentials = {}, .all = {}, .problem = std::move(problem)});
  }

  void deliver(Logins reading) {
    asio::post(executor_, [handler = observer_, reading = std::move(reading)]() mutable {
      if (const auto alive = handler.lock()) {
        (*alive)(std::move(reading));
      }
    });
  }

  // Constant after construction.
  const asio::any_io_executor executor_;
  std::shared_ptr<Handler> handler_;  // the io_context thread's
  const std::weak_ptr<Handler> observer_ = handler_;
  const GObjectPtr<GCancellable> cancel_;
  const GMainContextPtr context_;
  const GMainLoopPtr loop_;

  // The GLib thread's.
  std::optional<SecretServiceStore> store_;
  GObjectPtr<GDBusConnection> connection_;
  std::list<SignalWatch> signals_;  // of connection_
  std::set<RegistryKey> wanted_;
  bool settling_ = false;  // a reading was made less than settle_milliseconds ago
  bool again_ = false;     // and something changed since
  bool locked_ = false;    // as the last reading said
  bool retrying_ = false;  // a timer asks whether it still is

  std::thread thread_;  // last: it uses all of the above
};

StoreMonitor::StoreMonitor(asio::any_io_executor executor, Handler on_reading)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(on_reading))) {}

StoreMonitor::~StoreMonitor() = default;

void StoreMonitor::want(std::set<RegistryKey> registries) {
  impl_->post(
      [impl = impl_.get(), registries = std::move(registries)]() mutable { impl->want(std::move(registries)); });
}

void StoreMonitor::refresh() {
  impl_->post([impl = impl_.get()] { impl->read(); });
}

}  // namespace regsync
