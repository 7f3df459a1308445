#include "helper/secret_service/libsecret_calls.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "helper/base/guarded.hpp"
#include "helper/secret_service/libsecret.hpp"
#include "helper/secret_service/secret_service_reader.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {
namespace {

using std::chrono::milliseconds;

constexpr const char* service_interface = "org.freedesktop.Secret.Service";

const Libsecret& lib() { return libsecret(); }

struct Release {
  void operator()(GVariant* value) const { lib().g_variant_unref(value); }
  void operator()(GHashTable* table) const { lib().g_hash_table_unref(table); }
  void operator()(SecretValue* value) const { lib().secret_value_unref(value); }
  void operator()(GCancellable* cancellable) const { (lib().g_object_unref)(cancellable); }
  void operator()(GDBusConnection* connection) const { (lib().g_object_unref)(connection); }
  void operator()(SecretService* service) const { (lib().g_object_unref)(service); }
  void operator()(GObject* object) const { (lib().g_object_unref)(object); }
  void operator()(GAsyncResult* result) const { lib().g_object_unref(result); }
  void operator()(GMainContext* context) const { lib().g_main_context_unref(context); }
  void operator()(GError* error) const { lib().g_error_free(error); }
  void operator()(char* text) const { (lib().g_free)(text); }
};
template <typename T>
using Owned = std::unique_ptr<T, Release>;

BusError to_bus_error(GError* raw) {
  const Owned<GError> error(raw);
  const Owned<char> name(lib().g_dbus_error_get_remote_error(error.get()));
  lib().g_dbus_error_strip_remote_error(error.get());
  return {name ? name.get() : "org.freedesktop.DBus.Error.Failed", error->message};
}

}  // namespace

class LibsecretCalls::Impl {
 public:
  Impl(Prompt prompt, int cancel_fd, milliseconds limit)
      : prompt_(prompt), cancel_fd_(cancel_fd), limit_(limit), context_(lib().g_main_context_new()) {}
  ~Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  // Starts a call and waits for its end. `finish` reads the result; it is not called if the call did not end.
  template <typename T>
  Answer<T> run(milliseconds limit, const std::function<void(GCancellable*, GAsyncReadyCallback, gpointer)>& start,
                const std::function<T(GAsyncResult*, GError**)>& finish) {
    // Shared with the callback, which may run after the wait has ended.
    struct Call {
      Owned<GAsyncResult> result;
      bool abandoned = false;
    };
    auto* const call = new Call;
    lib().g_main_context_push_thread_default(context_.get());
    const Owned<GCancellable> cancellable(lib().g_cancellable_new());
    start(
        cancellable.get(),
        [](GObject*, GAsyncResult* result, gpointer data) {
          auto* const ended = static_cast<Call*>(data);
          if (ended->abandoned) {
            delete ended;
          } else {
            ended->result.reset(static_cast<GAsyncResult*>((lib().g_object_ref)(result)));
          }
        },
        call);
    bool late = false;
    bool cancelled = false;
    const auto set = [](gpointer flag) -> gboolean {
      *static_cast<bool*>(flag) = true;
      return G_SOURCE_CONTINUE;
    };
    GSource* const timer = lib().g_timeout_source_new(static_cast<guint>(limit.count()));
    lib().g_source_set_callback(timer, set, &late, nullptr);
    lib().g_source_attach(timer, context_.get());
    GSource* cancel = nullptr;
    if (cancel_fd_ >= 0) {
      cancel = lib().g_unix_fd_source_new(cancel_fd_, G_IO_IN);
      lib().g_source_set_callback(cancel,
                                  reinterpret_cast<GSourceFunc>(
                                      reinterpret_cast<void (*)()>(+[](gint, GIOCondition, gpointer flag) -> gboolean {
                                        *static_cast<bool*>(flag) = true;
                                        return G_SOURCE_CONTINUE;
                                      })),
                                  &cancelled, nullptr);
      lib().g_source_attach(cancel, context_.get());
    }
    while (!call->result && !late && !cancelled) {
      lib().g_main_context_iteration(context_.get(), TRUE);
    }
    for (GSource* source : {timer, cancel}) {
      if (source != nullptr) {
        lib().g_source_destroy(source);
        lib().g_source_unref(source);
      }
    }
    Answer<T> answer;
    if (!call->result) {
      answer.error = cancelled ? BusError{bus_cancelled_name, "cancelled"} : BusError{bus_late_name, "no answer"};
      lib().g_cancellable_cancel(cancellable.get());  // closes a prompt, if the provider still responds
      lib().g_main_context_iteration(context_.get(), FALSE);
    }
    lib().g_main_context_pop_thread_default(context_.get());
    if (!call->result) {
      call->abandoned = true;
      return answer;
    }
    const std::unique_ptr<Call> ended(call);
    if (answer.error) {
      return answer;  // the result only says that we cancelled the call
    }
    GError* error = nullptr;
    T value = finish(ended->result.get(), &error);
    if (error != nullptr) {
      answer.error = to_bus_error(error);
    } else {
      answer.value.emplace(std::move(value));
    }
    return answer;
  }

  // Connects at the first use. libsecret's service will use the same connection; calls without a prompt need only this,
  // which saves two round trips.
  std::optional<BusError> connect() {
    if (connection_) {
      return std::nullopt;
    }
    auto connection = run<Owned<GDBusConnection>>(
        limit_,
        [](GCancellable* cancel, GAsyncReadyCallback done, gpointer data) {
          lib().g_bus_get(G_BUS_TYPE_SESSION, cancel, done, data);
        },
        [](GAsyncResult* result, GError** error) {
          return Owned<GDBusConnection>(lib().g_bus_get_finish(result, error));
        });
    if (!connection.error) {
      connection_ = std::move(*connection.value);
      // By default, a bus connection of GLib ends the process with SIGTERM when the bus goes away.
      lib().g_dbus_connection_set_exit_on_close(connection_.get(), FALSE);
    }
    return connection.error;
  }

  // For a prompt or an encrypted session. libsecret's constructor always sets the flags of its proxy: it starts the
  // service, loads its properties and follows its signals, in three round trips. A derived type that skips these was
  // tried: gnome-keyring 42.1 then crashed more often while five programs prompted at once (5 of 20 runs, 1 of 16
  // without).
  std::optional<BusError> connect_service() {
    if (service_) {
      return std::nullopt;
    }
    auto service = run<Owned<SecretService>>(
        limit_,
        [](GCancellable* cancel, GAsyncReadyCallback done, gpointer data) {
          lib().g_async_initable_new_async(lib().secret_service_get_type(), G_PRIORITY_DEFAULT, cancel, done, data,
                                           nullptr);
        },
        [](GAsyncResult* result, GError** error) {
          const Owned<GObject> source((lib().g_async_result_get_source_object)(result));
          return Owned<SecretService>(reinterpret_cast<SecretService*>(
              lib().g_async_initable_new_finish(reinterpret_cast<GAsyncInitable*>(source.get()), result, error)));
        });
    if (!service.error) {
      service_ = std::move(*service.value);
    }
    return service.error;
  }

  // Connects and opens the session for secrets. Call it before all else, on any one thread.
  void prepare_to_store() {
    if (!connect()) {
      session_ = plain_session().value.value_or("");
    }
  }

  // Makes a call in a `plain` session, which is opened if there is none or the provider has forgotten it (oo7 does
  // after an unlock). Makes the other call if the provider refuses `plain`.
  template <typename T>
  Answer<T> in_session(const std::function<Answer<T>(const std::string& session)>& plain,
                       const std::function<Answer<T>()>& encrypted) {
    for (bool again = false;; again = true) {
      if (session_.empty()) {
        const Answer<std::string> opened = plain_session();
        if (opened.error && is_ours(*opened.error)) {
          return {.value = {}, .error = opened.error};
        }
        if (opened.error) {
          return encrypted();
        }
        session_ = *opened.value;
      }
      Answer<T> answer = plain(session_);
      if (again || !answer.error || !is_no_session(*answer.error)) {
        return answer;
      }
      session_.clear();
    }
  }

  // A D-Bus call on the connection that libsecret uses, too. Takes ownership of the floating arguments.
  Answer<Owned<GVariant>> call(const char* path, const char* interface, const char* method, GVariant* arguments,
                               const char* reply_type) {
    return run<Owned<GVariant>>(
        limit_,
        [&](GCancellable* cancel, GAsyncReadyCallback done, gpointer data) {
          lib().g_dbus_connection_call(connection_.get(), secret_service_name, path, interface, method, arguments,
                                       type(reply_type), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, cancel, done, data);
        },
        [this](GAsyncResult* result, GError** error) {
          return Owned<GVariant>(lib().g_dbus_connection_call_finish(connection_.get(), result, error));
        });
  }

  // Opens a session of our own on libsecret's connection and returns its path; an error if the provider refuses
  // `plain`.
  Answer<std::string> plain_session() {
    Answer<std::string> path;
    auto opened = call(secret_service_path, service_interface, "OpenSession",
                       lib().g_variant_new("(sv)", "plain", lib().g_variant_new("s", "")), "(vo)");
    path.error = std::move(opened.error);
    if (opened.value) {
      const char* text = "";
      lib().g_variant_get(opened.value->get(), "(v&o)", nullptr, &text);
      path.value = text;
    }
    return path;
  }

  Answer<std::string> store_in(const std::string& session, const std::string& collection, const char* schema,
                               const Credential& credential) {
    const std::string_view secret = credential.secret.reveal();
    return create(collection.c_str(), "org.freedesktop.Secret.Collection", "CreateItem",
                  lib().g_variant_new_parsed(
                      "({'org.freedesktop.Secret.Item.Label': <%s>, "
                      "'org.freedesktop.Secret.Item.Attributes': <%@a{ss}>}, "
                      "(%o, @ay [], %@ay, 'text/plain'), true)",
                      credential.login.server.c_str(), attributes(schema, credential.login), session.c_str(),
                      lib().g_variant_new_fixed_array(type("y"), secret.data(), secret.size(), 1)));
  }

  // Shows a prompt and returns its result, of any type; null if it was dismissed. Passes no type to libsecret (0.20.5):
  // if the result has another type, as from KWallet for a closed wizard, it never reports the end of the prompt.
  Answer<Owned<GVariant>> show(const char* prompt) {
    if (prompt_ == Prompt::never) {
      call(prompt, "org.freedesktop.Secret.Prompt", "Dismiss", nullptr, nullptr);
      return {.value = Owned<GVariant>(), .error = {}};
    }
    if (auto error = connect_service()) {
      return {.value = {}, .error = std::move(error)};
    }
    return run<Owned<GVariant>>(
        prompt_limit,
        [&](GCancellable* cancel, GAsyncReadyCallback done, gpointer data) {
          lib().secret_service_prompt_at_dbus_path(service_.get(), prompt, nullptr, cancel, done, data);
        },
        [this](GAsyncResult* result, GError** error) {
          return Owned<GVariant>(lib().secret_service_prompt_at_dbus_path_finish(service_.get(), result, error));
        });
  }

  // A call that creates an object, at once or after a prompt. Returns its path; empty if the user refused.
  Answer<std::string> create(const char* path, const char* interface, const char* method, GVariant* arguments) {
    auto created = call(path, interface, method, arguments, "(oo)");
    Answer<std::string> answer;
    answer.error = std::move(created.error);
    if (!created.value) {
      return answer;
    }
    const char* object = "";
    const char* prompt = "";
    lib().g_variant_get(created.value->get(), "(&o&o)", &object, &prompt);
    if (prompt == no_prompt) {
      answer.value = object_or_none(object);
      return answer;
    }
    auto shown = show(prompt);
    answer.error = std::move(shown.error);
    if (shown.value) {
      const char* made = "";
      if (is_of_type(*shown.value, "o")) {
        lib().g_variant_get(shown.value->get(), "&o", &made);
      }
      answer.value = object_or_none(made);
    }
    return answer;
  }

  Answer<SecretString> secret_in(const std::string& session, const std::string& item) {
    auto reply = call(item.c_str(), "org.freedesktop.Secret.Item", "GetSecret",
                      lib().g_variant_new("(o)", session.c_str()), "((oayays))");
    Answer<SecretString> secret;
    secret.error = std::move(reply.error);
    if (reply.value) {
      GVariant* raw = nullptr;
      lib().g_variant_get(reply.value->get(), "((o@ay@ays))", nullptr, nullptr, &raw, nullptr);
      const Owned<GVariant> bytes(raw);
      gsize size = 0;
      const auto* data = static_cast<const char*>(lib().g_variant_get_fixed_array(bytes.get(), &size, 1));
      secret.value.emplace(std::string_view(data, size));
    }
    return secret;
  }

  Answer<SecretString> secret_encrypted(const std::string& item) {
    if (auto error = connect_service()) {
      return {.value = {}, .error = std::move(error)};
    }
    return run<SecretString>(
        limit_,
        [&](GCancellable* cancel, GAsyncReadyCallback done, gpointer data) {
          lib().secret_service_get_secret_for_dbus_path(service_.get(), item.c_str(), cancel, done, data);
        },
        [this](GAsyncResult* result, GError** error) {
          const Owned<SecretValue> value(
              lib().secret_service_get_secret_for_dbus_path_finish(service_.get(), result, error));
          gsize size = 0;
          const char* data = value ? lib().secret_value_get(value.get(), &size) : "";
          return SecretString({data, size});
        });
  }

  // libsecret's own encrypted session, for providers that refuse `plain`.
  Answer<std::string> store_encrypted(const std::string& collection, const char* schema, const Credential& credential) {
    if (auto error = connect_service()) {
      return {.value = {}, .error = std::move(error)};
    }
    const std::string_view secret = credential.secret.reveal();
    // In libsecret's non-pageable memory.
    const Owned<SecretValue> value(
        lib().secret_value_new(secret.data(), static_cast<gssize>(secret.size()), "text/plain"));
    const Owned<GVariant> label(lib().g_variant_ref_sink(lib().g_variant_new("s", credential.login.server.c_str())));
    const Owned<GVariant> all(lib().g_variant_ref_sink(attributes(schema, credential.login)));
    const Owned<GHashTable> properties(lib().g_hash_table_new(lib().g_str_hash, lib().g_str_equal));
    insert(properties.get(), "org.freedesktop.Secret.Item.Label", label.get());
    insert(properties.get(), "org.freedesktop.Secret.Item.Attributes", all.get());
    return run<std::string>(
        prompt_limit,
        [&](GCancellable* cancel, GAsyncReadyCallback done, gpointer data) {
          lib().secret_service_create_item_dbus_path(service_.get(), collection.c_str(), properties.get(), value.get(),
                                                     SECRET_ITEM_CREATE_REPLACE, cancel, done, data);
        },
        [this](GAsyncResult* result, GError** error) {
          return text_of(lib().secret_service_create_item_dbus_path_finish(service_.get(), result, error));
        });
  }

  // Whether the error is the end of our wait, not the provider's answer.
  static bool is_ours(const BusError& error) { return error.name == bus_late_name || error.name == bus_cancelled_name; }

  // G_VARIANT_TYPE would call a GLib function that is not in the table.
  static const GVariantType* type(const char* text) { return reinterpret_cast<const GVariantType*>(text); }

  static bool is_of_type(const Owned<GVariant>& value, const char* text) {
    return value && lib().g_variant_is_of_type(value.get(), type(text)) != FALSE;
  }

  static std::string text_of(char* raw) {
    const Owned<char> text(raw);
    return text ? text.get() : "";
  }

  static void insert(GHashTable* table, const char* name, GVariant* value) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the table only reads and compares its keys
    lib().g_hash_table_insert(table, const_cast<char*>(name), value);
  }

  // Returns a floating reference.
  static GVariant* attributes(const char* schema, const Login& login) {
    std::vector<GVariant*> entries;
    for (const auto& [name, value] : attributes_of(schema, login)) {
      entries.push_back(
          lib().g_variant_new_dict_entry(lib().g_variant_new_string(name), lib().g_variant_new_string(value.c_str())));
    }
    return lib().g_variant_new_array(nullptr, entries.data(), entries.size());
  }

  const Prompt prompt_;
  const int cancel_fd_;
  const milliseconds limit_;
  Owned<GMainContext> context_;
  Owned<SecretService> service_;
  Owned<GDBusConnection> connection_;
  std::string session_;  // a `plain` session; empty if there is none
};

LibsecretCalls::LibsecretCalls(Prompt prompt, int cancel_fd, milliseconds limit)
    : prompt_(prompt), cancel_fd_(cancel_fd), limit_(limit) {}

LibsecretCalls::~LibsecretCalls() = default;

void LibsecretCalls::prepare_to_store() {
  if (impl_ || prepared_.valid()) {
    return;
  }
  // If no thread can be created, the first call connects.
  (void)guarded([&] {
    prepared_ = std::async(std::launch::async, [prompt = prompt_, cancel_fd = cancel_fd_, limit = limit_] {
      auto impl = std::make_unique<Impl>(prompt, cancel_fd, limit);
      impl->prepare_to_store();
      return impl;
    });
  });
}

LibsecretCalls::Impl& LibsecretCalls::impl() {
  if (prepared_.valid()) {
    impl_ = prepared_.get();
  }
  if (!impl_) {
    impl_ = std::make_unique<Impl>(prompt_, cancel_fd_, limit_);
  }
  return *impl_;
}

Answer<bool> LibsecretCalls::unlock(const std::vector<std::string>& paths) {
  Answer<bool> done;
  done.error = impl().connect();
  if (done.error) {
    return done;
  }
  std::vector<const char*> raw;
  raw.reserve(paths.size());
  for (const std::string& path : paths) {
    raw.push_back(path.c_str());
  }
  auto reply = impl_->call(
      secret_service_path, service_interface, "Unlock",
      lib().g_variant_new("(@ao)", lib().g_variant_new_objv(raw.data(), static_cast<gssize>(raw.size()))), "(aoo)");
  done.error = std::move(reply.error);
  if (!reply.value) {
    return done;
  }
  const char* prompt = "";
  const Owned<GVariant> unlocked(lib().g_variant_get_child_value(reply.value->get(), 0));
  std::size_t count = lib().g_variant_n_children(unlocked.get());
  lib().g_variant_get(reply.value->get(), "(@ao&o)", nullptr, &prompt);
  if (prompt != no_prompt) {
    auto shown = impl_->show(prompt);
    done.error = std::move(shown.error);
    if (!shown.value) {
      return done;
    }
    count += Impl::is_of_type(*shown.value, "ao") ? lib().g_variant_n_children(shown.value->get()) : 0;
  }
  done.value = count >= paths.size();
  return done;
}

Answer<std::string> LibsecretCalls::create_default_collection(const char* label) {
  if (auto error = impl().connect()) {
    return {.value = {}, .error = std::move(error)};
  }
  return impl_->create(
      secret_service_path, service_interface, "CreateCollection",
      lib().g_variant_new_parsed("({'org.freedesktop.Secret.Collection.Label': <%s>}, 'default')", label));
}

Answer<std::string> LibsecretCalls::store(const std::string& collection, const char* schema,
                                          const Credential& credential) {
  if (auto error = impl().connect()) {
    return {.value = {}, .error = std::move(error)};
  }
  return impl_->in_session<std::string>(
      [&](const std::string& session) { return impl_->store_in(session, collection, schema, credential); },
      [&] { return impl_->store_encrypted(collection, schema, credential); });
}

Answer<SecretString> LibsecretCalls::secret(const std::string& item) {
  if (auto error = impl().connect()) {
    return {.value = {}, .error = std::move(error)};
  }
  return impl_->in_session<SecretString>([&](const std::string& session) { return impl_->secret_in(session, item); },
                                         [&] { return impl_->secret_encrypted(item); });
}

Answer<bool> LibsecretCalls::erase(const std::string& item) {
  Answer<bool> done;
  done.error = impl().connect();
  if (done.error) {
    return done;
  }
  auto reply = impl_->call(item.c_str(), "org.freedesktop.Secret.Item", "Delete", nullptr, "(o)");
  done.error = std::move(reply.error);
  if (!reply.value) {
    return done;
  }
  const char* prompt = "";
  lib().g_variant_get(reply.value->get(), "(&o)", &prompt);
  done.value = true;
  if (prompt != no_prompt) {
    auto shown = impl_->show(prompt);
    done.error = std::move(shown.error);
    done.value = shown.value && *shown.value;
  }
  return done;
}

}  // namespace regsync
