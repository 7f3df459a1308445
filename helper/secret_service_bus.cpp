#include "helper/secret_service_bus.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "helper/signal_watch.hpp"

namespace regsync {
namespace {

constexpr const char* bus_name = "org.freedesktop.DBus";
constexpr const char* service_interface = "org.freedesktop.Secret.Service";
constexpr const char* prompt_interface = "org.freedesktop.Secret.Prompt";
constexpr const char* prompter_lock = "dev.regsync.Prompter";
// A bus may refuse more than 128 unanswered calls of one connection (max_replies_per_connection of dbus-daemon).
constexpr std::size_t max_in_flight = 64;
// gnome-keyring (seen: 42.1; Debian bug 1147303) looks its clients up on two threads, and among many that come and go
// now and then does not find the one that calls: then the method "is not implemented". It has done nothing by then.
constexpr int max_attempts = 4;

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

  // Until it holds, or the connection is closed, which is looked at every second: a bus that dies sends nothing.
  template <typename Condition>
  void wait_for(GDBusConnection* connection, Condition holds) {
    GSource* const tick = g_timeout_source_new_seconds(1);
    g_source_set_callback(
        tick, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
    g_source_attach(tick, context_.get());
    g_source_unref(tick);
    while (!holds() && g_dbus_connection_is_closed(connection) == FALSE) {
      wait();
    }
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

bool is_unknown_method(const GError& error) { return is_remote(error, {"org.freedesktop.DBus.Error.UnknownMethod"}); }

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
          "unlock it (answer its prompt, or log in to the desktop; on a machine without one run `regsync setup "
          "--headless`); " +
              std::string(see_doctor)};
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
  return is_remote(error, {"org.freedesktop.Secret.Error.NoSuchObject", "org.freedesktop.DBus.Error.UnknownObject"}) ||
         is_unknown_method(error);
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

std::vector<BusReply> SecretServiceBus::call_all(const std::vector<BusCall>& calls) {
  std::vector<GVariantPtr> arguments;  // a call that is sent takes no more than a reference of its own
  arguments.reserve(calls.size());
  for (const BusCall& call : calls) {
    arguments.emplace_back(call.arguments != nullptr ? g_variant_ref_sink(call.arguments) : nullptr);
  }
  std::vector<BusReply> replies = send_all(calls);
  for (int attempt = 1; attempt < max_attempts; ++attempt) {
    std::vector<BusCall> refused;
    std::vector<BusReply*> places;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (replies[i].error && is_unknown_method(*replies[i].error)) {
        refused.push_back(calls[i]);
        places.push_back(&replies[i]);
      }
    }
    if (refused.empty()) {
      break;
    }
    std::vector<BusReply> again = send_all(refused);
    for (std::size_t i = 0; i < again.size(); ++i) {
      *places[i] = std::move(again[i]);
    }
  }
  return replies;
}

std::vector<BusReply> SecretServiceBus::send_all(const std::vector<BusCall>& calls) {
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

GVariantPtr SecretServiceBus::call(const BusCall& call) {
  BusReply reply = std::move(call_all({call}).front());
  if (reply.error) {
    throw secret_service_error(*reply.error);
  }
  return std::move(reply.value);
}

bool SecretServiceBus::unlock(const std::vector<std::string>& paths) {
  GVariantBuilder objects;
  g_variant_builder_init(&objects, G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
  for (const std::string& path : paths) {
    g_variant_builder_add(&objects, "o", path.c_str());
  }
  const SessionLock prompter(*this, prompter_lock);
  const GVariantPtr reply = call({secret_service_path, service_interface, "Unlock", g_variant_new("(ao)", &objects)});
  gsize left = paths.size();
  const auto count = [&left](GVariant* unlocked) { left -= std::min(left, g_variant_n_children(unlocked)); };
  const GVariantPtr at_once(g_variant_get_child_value(reply.get(), 0));
  count(at_once.get());
  const char* prompt_path = nullptr;
  g_variant_get_child(reply.get(), 1, "&o", &prompt_path);
  if (prompt_path != std::string_view("/") && !prompter.waited()) {
    if (const GVariantPtr answer = prompt(prompt_path);
        answer && g_variant_is_of_type(answer.get(), G_VARIANT_TYPE_OBJECT_PATH_ARRAY) != FALSE) {
      count(answer.get());
    }
  }
  return left == 0;
}

GVariantPtr SecretServiceBus::prompt(const std::string& prompt_path) {
  bool ended = false;
  GVariantPtr result;
  PrivateContext context;
  const SignalWatch completed(connection_.get(),
                              {.sender = secret_service_name,
                               .interface = prompt_interface,
                               .signal = "Completed",
                               .path = prompt_path.c_str()},
                              [&](GVariant* arguments) {
                                ended = true;
                                gboolean dismissed = TRUE;
                                GVariant* value = nullptr;
                                g_variant_get(arguments, "(bv)", &dismissed, &value);
                                GVariantPtr owned(value);
                                if (dismissed == FALSE) {
                                  result = std::move(owned);
                                }
                              });
  // A service that ends takes its prompts with it.
  const SignalWatch gone(
      connection_.get(),
      {.sender = bus_name, .interface = bus_name, .signal = "NameOwnerChanged", .first_argument = secret_service_name},
      [&](GVariant*) { ended = true; });
  call({prompt_path, prompt_interface, "Prompt", g_variant_new("(s)", "")});
  context.wait_for(connection_.get(), [&ended] { return ended; });
  return result;
}

bool SecretServiceBus::create_default_collection() {
  GVariantBuilder properties;
  g_variant_builder_init(&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add(&properties, "{sv}", "org.freedesktop.Secret.Collection.Label",
                        g_variant_new_string("Default keyring"));
  const GVariantPtr reply = call(
      {secret_service_path, service_interface, "CreateCollection", g_variant_new("(a{sv}s)", &properties, "default")});
  const char* prompt_path = nullptr;
  g_variant_get_child(reply.get(), 1, "&o", &prompt_path);
  return prompt_path == std::string_view("/") || prompt(prompt_path) != nullptr;
}

SessionLock::SessionLock(SecretServiceBus& bus, const char* name) : bus_(bus), name_(name) {
  PrivateContext context;
  bool acquired = false;
  const SignalWatch watch(
      bus_.connection(), {.sender = bus_name, .interface = bus_name, .signal = "NameAcquired", .first_argument = name_},
      [&acquired](GVariant*) { acquired = true; });
  const BusReply reply = std::move(
      bus_.call_all({{"/org/freedesktop/DBus", bus_name, "RequestName", g_variant_new("(su)", name_, 0), bus_name}})
          .front());
  // A bus that lets nobody own names (a sandbox's proxy) leaves us without mutual exclusion, as all other clients are.
  constexpr guint32 in_queue = 2;  // DBUS_REQUEST_NAME_REPLY_IN_QUEUE
  guint32 answer = 0;
  if (reply.value) {
    g_variant_get(reply.value.get(), "(u)", &answer);
  }
  waited_ = answer == in_queue;
  if (waited_) {
    context.wait_for(bus_.connection(), [&acquired] { return acquired; });
  }
}

// Nobody waits for the answer: the bus takes messages in order, and the end of the process would do as well.
SessionLock::~SessionLock() {
  g_dbus_connection_call(bus_.connection(), bus_name, "/org/freedesktop/DBus", bus_name, "ReleaseName",
                         g_variant_new("(s)", name_), nullptr, G_DBUS_CALL_FLAGS_NONE, -1, nullptr, nullptr, nullptr);
}

}  // namespace regsync
