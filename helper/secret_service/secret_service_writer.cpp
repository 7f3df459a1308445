#include "helper/secret_service/secret_service_writer.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "helper/base/guarded.hpp"
#include "helper/secret_service/libsecret_calls.hpp"
#include "helper/secret_service/provider.hpp"
#include "helper/secret_service/secret_service_answers.hpp"
#include "helper/secret_service/secret_service_reader.hpp"
#include "helper/secret_service/session_lock.hpp"
#include "helper/secret_service/signal_watch.hpp"

namespace regsync {
namespace {

Error refused(const std::string& purpose) {
  return {ErrorCode::locked, "the keyring asked for consent to " + purpose + ", and got none",
          "answer its prompt, or unlock it first"};
}

// The signal that the holder of prompter_lock sends when an unlock was refused, with the paths of the collections that
// stay locked.
constexpr const char* prompter_path = "/dev/regsync/Prompter";
constexpr const char* refused_signal = "Refused";

void write_paths(sd_bus_message* message, const std::vector<std::string>& paths) {
  written(sd_bus_message_open_container(message, 'a', "o"));
  for (const std::string& path : paths) {
    write_to(message, "o", path);
  }
  written(sd_bus_message_close_container(message));
}

// Anybody may send such a signal: ignore a malformed one.
void remove_named(sd_bus_message* signal, std::vector<std::string>& collections) {
  static_cast<void>(guarded([&] {
    const std::vector<std::string> named = read_paths(signal);
    std::erase_if(collections, [&](const std::string& path) { return std::ranges::find(named, path) != named.end(); });
  }));
}

// The arguments of CreateItem, which replaces an item of the same attributes: properties, secret, whether to replace.
void write_item(sd_bus_message* call, const std::string& session, const char* schema, const Credential& credential) {
  sd_bus_message_sensitive(call);  // wiped when it is freed
  written(sd_bus_message_open_container(call, 'a', "{sv}"));
  write_to(call, "{sv}", "org.freedesktop.Secret.Item.Label", "s", credential.login.server);
  written(sd_bus_message_open_container(call, 'e', "sv"));
  write_to(call, "s", "org.freedesktop.Secret.Item.Attributes");
  written(sd_bus_message_open_container(call, 'v', "a{ss}"));
  written(sd_bus_message_open_container(call, 'a', "{ss}"));
  for (const auto& [name, value] : attributes_of(schema, credential.login)) {
    write_to(call, "{ss}", name, value);
  }
  for (int open = 0; open < 4; ++open) {
    written(sd_bus_message_close_container(call));
  }
  const std::string_view secret = credential.secret.reveal();
  written(sd_bus_message_open_container(call, 'r', "oayays"));
  write_to(call, "o", session);
  written(sd_bus_message_append_array(call, 'y', nullptr, 0));
  written(sd_bus_message_append_array(call, 'y', secret.data(), secret.size()));
  write_to(call, "s", "text/plain");
  written(sd_bus_message_close_container(call));
  write_to(call, "b", 1);
}

}  // namespace

SecretServiceWriter::SecretServiceWriter(SecretServiceClient& client, Prompt prompt, int cancel_fd)
    : client_(client), prompt_(prompt), cancel_fd_(cancel_fd) {}

SecretServiceWriter::~SecretServiceWriter() = default;

LibsecretCalls& SecretServiceWriter::libsecret() {
  if (!libsecret_) {
    libsecret_ = std::make_unique<LibsecretCalls>(prompt_, cancel_fd_, SecretServiceClient::patience);
  }
  return *libsecret_;
}

void SecretServiceWriter::prepare_to_store() {
  if (prompt_ == Prompt::allowed) {
    libsecret().prepare_to_store();
  }
}

template <typename T>
T SecretServiceWriter::value_of(Answer<T> answer) {
  client_.renew();  // a prompt may have been waited for
  return client_.value_of(std::move(answer));
}

bool SecretServiceWriter::unlock(const StoreContents& contents, const std::vector<std::string>& paths) {
  if (prompt_ == Prompt::never) {
    // A user may take minutes to answer another program's prompt. And gnome-keyring (42.1) aborts on a failed assertion
    // if the prompt of a second unlock is dismissed while the first one begins.
    const SessionLock unlocker(client_, prompter_lock, SessionLock::IfHeld::give_up);
    return !unlocker.gave_up() && unlock_silently(paths);
  }
  std::vector<std::string> collections;
  std::ranges::copy_if(paths, std::back_inserter(collections),
                       [&](const std::string& path) { return contents.collection(path) != nullptr; });
  std::vector<std::string> not_refused = collections;  // while this process waits for its turn
  const SignalWatch watch(client_.connection(),
                          {.interface = prompter_lock, .signal = refused_signal, .path = prompter_path},
                          [&](sd_bus_message* signal) { remove_named(signal, not_refused); });
  const SessionLock prompter(client_, prompter_lock);
  const bool is_open = prompter.waited() && unlock_silently(paths);
  const bool is_refused = !collections.empty() && not_refused.empty();
  if (is_open || (!is_refused && value_of(libsecret().unlock(paths)))) {
    return true;
  }
  tell_of_refusal(collections);
  return false;
}

// Notifies the waiting processes. The signal reaches them before the lock does, because the bus keeps messages in
// order.
void SecretServiceWriter::tell_of_refusal(const std::vector<std::string>& collections) {
  sd_bus_message* raw = nullptr;
  written(sd_bus_message_new_signal(client_.connection().get(), &raw, prompter_path, prompter_lock, refused_signal));
  const BusMessagePtr signal(raw);
  write_paths(signal.get(), collections);
  sd_bus_send(client_.connection().get(), signal.get(), nullptr);  // if it fails, they prompt the user
}

// Unlocks what needs no prompt (a keyring without a password, or one that was unlocked meanwhile).
bool SecretServiceWriter::unlock_silently(const std::vector<std::string>& paths) {
  struct Unlocked {
    std::size_t count = 0;
    std::string prompt;
  };
  const auto unlocked = client_.ask(
      {secret_service_path, "org.freedesktop.Secret.Service", "Unlock",
       [&paths](sd_bus_message* call) { write_paths(call, paths); }},
      +[](sd_bus_message* answer) {
        const std::size_t count = read_paths(answer).size();
        return Unlocked{count, read_path(answer)};
      });
  dismiss(unlocked.prompt);
  return unlocked.count >= paths.size();
}

void SecretServiceWriter::dismiss(const std::string& prompt) {
  if (prompt != no_prompt) {
    Answer<bool> ignored;
    client_.ask({question(
        BusCall{prompt, "org.freedesktop.Secret.Prompt", "Dismiss", {}}, +[](sd_bus_message*) { return true; },
        ignored)});
  }
}

bool SecretServiceWriter::create_default_collection() {
  const SessionLock prompter(client_, prompter_lock);
  return !value_of(libsecret().create_default_collection(first_collection_label(client_.provider()))).empty();
}

std::string SecretServiceWriter::store(SecretServiceReader& reader, const std::string& collection, const char* schema,
                                       const Credential& credential) {
  Answer<std::string> stored;
  if (prompt_ == Prompt::never) {
    stored = reader.in_session<std::string>(
        [&](const std::string& session) { return store_silently(session, collection, schema, credential); });
  }
  if (prompt_ == Prompt::allowed || reader.session_refused()) {
    stored = libsecret().store(collection, schema, credential);
  }
  std::string item = value_of(std::move(stored));
  if (item.empty()) {
    throw refused("store the login of " + credential.login.server);
  }
  return item;
}

Answer<std::string> SecretServiceWriter::store_silently(const std::string& session, const std::string& collection,
                                                        const char* schema, const Credential& credential) {
  struct Stored {
    std::string item;
    std::string prompt;
  };
  Answer<Stored> stored;
  client_.ask({question(
      BusCall{collection, "org.freedesktop.Secret.Collection", "CreateItem",
              [&](sd_bus_message* call) { write_item(call, session, schema, credential); }},
      +[](sd_bus_message* answer) {
        std::string item = read_path(answer);
        return Stored{std::move(item), read_path(answer)};
      },
      stored)});
  if (stored.error) {
    return {.value = {}, .error = std::move(stored.error)};
  }
  dismiss(stored.value->prompt);
  const bool asks = stored.value->prompt != no_prompt;
  return {.value = asks ? std::string() : object_or_none(std::move(stored.value->item)), .error = {}};
}

Answer<SecretString> SecretServiceWriter::secret(const std::string& path) { return libsecret().secret(path); }

// Most providers do not prompt, so libsecret, which takes as long to load as all the rest, is not needed.
Answer<bool> SecretServiceWriter::erase_silently(const std::string& path) {
  Answer<std::string> prompt;
  client_.ask({question(BusCall{path, "org.freedesktop.Secret.Item", "Delete", {}}, read_path, prompt)});
  if (prompt.error) {
    return {.value = {}, .error = std::move(prompt.error)};
  }
  dismiss(*prompt.value);
  return {.value = *prompt.value == no_prompt, .error = {}};
}

bool SecretServiceWriter::erase(const std::string& path, const Login& login) {
  Answer<bool> erased = erase_silently(path);
  if (erased.value && !*erased.value && prompt_ == Prompt::allowed) {
    erased = libsecret().erase(path);
  }
  if (erased.error && is_gone(*erased.error)) {
    return false;
  }
  if (!value_of(std::move(erased))) {
    throw refused("delete the login of " + login.server);
  }
  return true;
}

}  // namespace regsync
