#include "helper/secret_service/secret_service_writer.hpp"

#include <string_view>
#include <utility>

#include "helper/secret_service/libsecret_calls.hpp"
#include "helper/secret_service/provider.hpp"
#include "helper/secret_service/secret_service_answers.hpp"
#include "helper/secret_service/secret_service_reader.hpp"
#include "helper/secret_service/session_lock.hpp"

namespace regsync {
namespace {

Error refused(const std::string& purpose) {
  return {ErrorCode::locked, "the keyring asked for consent to " + purpose + ", and got none",
          "answer its prompt, or unlock it first"};
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
  client_.renew();  // a person may have been waited for
  return client_.value_of(std::move(answer));
}

bool SecretServiceWriter::unlock(const std::vector<std::string>& paths) {
  if (prompt_ == Prompt::never) {
    // A person may take minutes for somebody else's prompt. And gnome-keyring (42.1) ends with a failed assertion where
    // the prompt of a second unlock is dismissed while the first one begins.
    const SessionLock unlocker(client_, prompter_lock, SessionLock::IfHeld::give_up);
    return !unlocker.gave_up() && unlock_silently(paths);
  }
  const SessionLock prompter(client_, prompter_lock);
  return prompter.waited() ? unlock_silently(paths) : value_of(libsecret().unlock(paths));
}

// What needs no prompt opens (a keyring without a password, or one that was unlocked meanwhile).
bool SecretServiceWriter::unlock_silently(const std::vector<std::string>& paths) {
  struct Unlocked {
    std::size_t count = 0;
    std::string prompt;
  };
  const auto unlocked = client_.ask(
      {secret_service_path, "org.freedesktop.Secret.Service", "Unlock",
       [&paths](sd_bus_message* call) {
         written(sd_bus_message_open_container(call, 'a', "o"));
         for (const std::string& path : paths) {
           write_to(call, "o", path);
         }
         written(sd_bus_message_close_container(call));
       }},
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

// Most providers ask nobody, so that libsecret is not needed: loading it takes as long as all the rest.
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
