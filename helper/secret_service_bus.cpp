// secret_service_prompt_at_dbus_path_sync and _unlock_dbus_paths_sync work without a proxy per object. libsecret marks
// them unstable because they show D-Bus paths; they are unchanged since 0.1 (2012).
#define SECRET_WITH_UNSTABLE 1
#define SECRET_API_SUBJECT_TO_CHANGE 1

#include "helper/secret_service_bus.hpp"

#include <libsecret/secret.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>

namespace regsync {
namespace {

constexpr const char* bus_name = "org.freedesktop.DBus";
constexpr const char* writer_name = "dev.regsync.StoreWriter";
// A bus may refuse more than 128 unanswered calls of one connection (max_replies_per_connection of dbus-daemon).
constexpr std::size_t max_in_flight = 64;

constexpr std::string_view see_doctor = "`regsync doctor` tells more";

struct ErrorOut {  // for GLib's last parameter
  GError* raw = nullptr;
  ErrorOut() = default;
  ~ErrorOut() { g_clear_error(&raw); }
  ErrorOut(const ErrorOut&) = delete;
  ErrorOut& operator=(const ErrorOut&) = delete;
  ErrorOut(ErrorOut&&) = delete;
  ErrorOut& operator=(ErrorOut&&) = delete;
};

// While it lives, asynchronous replies of this thread arrive in a context that only we iterate.
class PrivateContext {
 public:
  PrivateContext() : context_(g_main_context_new()) { g_main_context_push_thread_default(context_.get()); }
  ~PrivateContext() {
    // A signal that is queued but not dispatched would keep the context, and that the connection, for ever.
    while (g_main_context_iteration(context_.get(), FALSE) != FALSE) {
    }
    g_main_context_pop_thread_default(context_.get());
  }
  PrivateContext(const PrivateContext&) = delete;
  PrivateContext& operator=(const PrivateContext&) = delete;
  PrivateContext(PrivateContext&&) = delete;
  PrivateContext& operator=(PrivateContext&&) = delete;

  void wait() { g_main_context_iteration(context_.get(), TRUE); }

  // From now on wait() returns at least this often.
  void wake_every_second() {
    GSource* const tick = g_timeout_source_new_seconds(1);
    g_source_set_callback(
        tick, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
    g_source_attach(tick, context_.get());
    g_source_unref(tick);
  }

 private:
  GMainContextPtr context_;
};

// GDBus puts the remote error's name in front of the message.
std::string plain_message(const GError& error) {
  const std::unique_ptr<GError, GlibRelease<g_error_free>> copy(g_error_copy(&error));
  g_dbus_error_strip_remote_error(copy.get());
  return copy->message;
}

bool is_remote(const GError& error, const std::initializer_list<std::string_view>& names) {
  const GCharPtr remote(g_dbus_error_get_remote_error(&error));
  return remote && std::ranges::find(names, std::string_view(remote.get())) != names.end();
}

bool a_provider_is_installed() {
  const char* data_dirs = std::getenv("XDG_DATA_DIRS");
  std::string_view rest = data_dirs != nullptr && *data_dirs != '\0' ? data_dirs : "/usr/local/share:/usr/share";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    std::error_code ignored;
    if (std::filesystem::exists(std::string(folder) + "/dbus-1/services/org.freedesktop.secrets.service", ignored)) {
      return true;
    }
  }
  return false;
}

Error no_bus_error(const GError& error) {
  const bool has_address = std::getenv("DBUS_SESSION_BUS_ADDRESS") != nullptr;
  std::string message = has_address ? "cannot reach the D-Bus session bus: " + plain_message(error)
                                    : "no D-Bus session bus, and so no Secret Service to keep logins in";
  return {ErrorCode::store_unavailable, std::move(message),
          "log in with a user session (loginctl enable-linger, dbus-user-session), or on a machine without a desktop "
          "run `regsync setup --headless`; " +
              std::string(see_doctor)};
}

}  // namespace

Error no_provider_error() {
  return {ErrorCode::store_unavailable, "no program provides the Secret Service (org.freedesktop.secrets)",
          std::string(a_provider_is_installed()
                          ? "start the one that is installed, or on a machine without a desktop run `regsync setup "
                            "--headless`; "
                          : "install one (apt install gnome-keyring) or enable it in KeePassXC or KWallet; ") +
              std::string(see_doctor)};
}

Error locked_error() {
  return {ErrorCode::locked, "the keyring is locked, so its logins cannot be read or changed",
          "unlock it (log in to the desktop, or answer its prompt); " + std::string(see_doctor)};
}

Error no_default_collection_error() {
  return {ErrorCode::store_unavailable, "the Secret Service has no default collection to keep logins in",
          "create a keyring (seahorse, or KeePassXC's settings), or on a machine without a desktop run `regsync setup "
          "--headless`; " +
              std::string(see_doctor)};
}

Error secret_service_error(const GError& error) {
  if (is_remote(error, {"org.freedesktop.Secret.Error.IsLocked"})) {
    return locked_error();
  }
  if (is_remote(error, {"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
                        "org.freedesktop.DBus.Error.Spawn.ServiceNotFound"})) {
    return no_provider_error();
  }
  if (g_error_matches(&error, G_IO_ERROR, G_IO_ERROR_CANCELLED) != FALSE) {
    return {ErrorCode::cancelled, "the call to the Secret Service was cancelled"};
  }
  if (g_error_matches(&error, G_IO_ERROR, G_IO_ERROR_CLOSED) != FALSE) {
    return no_bus_error(error);
  }
  return {ErrorCode::store_unavailable, "the Secret Service failed: " + plain_message(error), std::string(see_doctor)};
}

bool is_gone(const GError& error) {
  return is_remote(error, {"org.freedesktop.Secret.Error.NoSuchObject", "org.freedesktop.DBus.Error.UnknownObject",
                           "org.freedesktop.DBus.Error.UnknownMethod"});
}

SecretServiceBus::SecretServiceBus(GCancellable* cancel) : cancel_(cancel) {
  ErrorOut error;
  connection_.reset(g_bus_get_sync(G_BUS_TYPE_SESSION, cancel_, &error.raw));
  if (!connection_) {
    throw no_bus_error(*error.raw);
  }
  g_dbus_connection_set_exit_on_close(connection_.get(), FALSE);  // a daemon outlives its bus
}

GObjectPtr<GDBusConnection> SecretServiceBus::share_connection() const {
  return GObjectPtr<GDBusConnection>(G_DBUS_CONNECTION(g_object_ref(connection_.get())));
}

std::vector<BusReply> SecretServiceBus::call_all(std::vector<BusCall> calls) {
  struct Pending {
    BusReply reply;
    std::size_t* answered = nullptr;
  };
  std::size_t sent = 0;
  std::size_t answered = 0;
  std::vector<Pending> pending(calls.size());
  PrivateContext context;
  while (answered < calls.size()) {
    for (; sent < calls.size() && sent - answered < max_in_flight; ++sent) {
      const BusCall& call = calls[sent];
      pending[sent].answered = &answered;
      g_dbus_connection_call(
          connection_.get(), call.destination, call.path.c_str(), call.interface, call.method, call.arguments, nullptr,
          G_DBUS_CALL_FLAGS_NONE, -1, cancel_,
          [](GObject* connection, GAsyncResult* result, gpointer data) {
            auto& done = *static_cast<Pending*>(data);
            GError* error = nullptr;
            done.reply.value.reset(g_dbus_connection_call_finish(G_DBUS_CONNECTION(connection), result, &error));
            done.reply.error.reset(error);
            ++*done.answered;
          },
          &pending[sent]);
    }
    context.wait();
  }
  std::vector<BusReply> replies;
  replies.reserve(pending.size());
  for (Pending& done : pending) {
    replies.push_back(std::move(done.reply));
  }
  return replies;
}

GVariantPtr SecretServiceBus::call(BusCall call) {
  BusReply reply = std::move(call_all({std::move(call)}).front());
  if (reply.error) {
    throw secret_service_error(*reply.error);
  }
  return std::move(reply.value);
}

bool SecretServiceBus::unlock(const std::vector<std::string>& paths) {
  ErrorOut error;
  const GObjectPtr<SecretService> service(secret_service_get_sync(SECRET_SERVICE_NONE, nullptr, &error.raw));
  if (!service) {
    throw secret_service_error(*error.raw);
  }
  std::vector<const gchar*> raw_paths;
  std::ranges::transform(paths, std::back_inserter(raw_paths), &std::string::c_str);
  raw_paths.push_back(nullptr);
  gchar** unlocked = nullptr;
  const gint count =
      secret_service_unlock_dbus_paths_sync(service.get(), raw_paths.data(), nullptr, &unlocked, &error.raw);
  g_strfreev(unlocked);
  return count == static_cast<gint>(paths.size());
}

GVariantPtr SecretServiceBus::prompt(const std::string& prompt_path) {
  ErrorOut error;
  const GObjectPtr<SecretService> service(secret_service_get_sync(SECRET_SERVICE_NONE, nullptr, &error.raw));
  if (!service) {
    throw secret_service_error(*error.raw);
  }
  return GVariantPtr(
      secret_service_prompt_at_dbus_path_sync(service.get(), prompt_path.c_str(), nullptr, nullptr, &error.raw));
}

bool SecretServiceBus::create_default_collection() {
  const GObjectPtr<SecretCollection> collection(secret_collection_create_sync(
      nullptr, "Default keyring", SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_CREATE_NONE, nullptr, nullptr));
  return collection != nullptr;
}

StoreWriter::StoreWriter(SecretServiceBus& bus) : bus_(bus) {
  PrivateContext context;
  bool acquired = false;
  const guint subscription = g_dbus_connection_signal_subscribe(
      bus_.connection(), bus_name, bus_name, "NameAcquired", nullptr, writer_name, G_DBUS_SIGNAL_FLAGS_NONE,
      [](GDBusConnection*, const gchar*, const gchar*, const gchar*, const gchar*, GVariant*, gpointer data) {
        *static_cast<bool*>(data) = true;
      },
      &acquired, nullptr);
  const BusReply reply = std::move(bus_.call_all({{"/org/freedesktop/DBus", bus_name, "RequestName",
                                                   g_variant_new("(su)", writer_name, 0), bus_name}})
                                       .front());
  // A bus that lets nobody own names (a sandbox's proxy) leaves us without mutual exclusion, as all other clients are.
  constexpr guint32 in_queue = 2;  // DBUS_REQUEST_NAME_REPLY_IN_QUEUE
  guint32 answer = 0;
  if (reply.value) {
    g_variant_get(reply.value.get(), "(u)", &answer);
  }
  context.wake_every_second();  // a bus that dies while we wait sends nothing
  while (answer == in_queue && !acquired && g_dbus_connection_is_closed(bus_.connection()) == FALSE) {
    context.wait();
  }
  g_dbus_connection_signal_unsubscribe(bus_.connection(), subscription);
}

// Nobody waits for the answer: the bus takes messages in order, and the end of the process would do as well.
StoreWriter::~StoreWriter() {
  g_dbus_connection_call(bus_.connection(), bus_name, "/org/freedesktop/DBus", bus_name, "ReleaseName",
                         g_variant_new("(s)", writer_name), nullptr, G_DBUS_CALL_FLAGS_NONE, -1, nullptr, nullptr,
                         nullptr);
}

}  // namespace regsync
