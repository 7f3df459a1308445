#include "helper/secret_service/secret_service_writer.hpp"

#include <utility>

#include "helper/secret_service/libsecret_calls.hpp"
#include "helper/secret_service/provider.hpp"
#include "helper/secret_service/secret_service_reader.hpp"
#include "helper/secret_service/session_lock.hpp"

namespace regsync {
namespace {

Error refused(const std::string& purpose) {
  return {ErrorCode::locked, "the keyring asked for consent to " + purpose + ", and got none",
          "answer its prompt, or unlock it first"};
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

void SecretServiceWriter::prepare_to_store() { libsecret().prepare_to_store(); }

template <typename T>
T SecretServiceWriter::value_of(Answer<T> answer) {
  client_.renew();  // a person may have been waited for
  return client_.value_of(std::move(answer));
}

bool SecretServiceWriter::unlock(const std::vector<std::string>& paths) {
  const SessionLock prompter(client_, prompter_lock);
  return prompt_ == Prompt::never || prompter.waited() ? unlock_silently(paths) : value_of(libsecret().unlock(paths));
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

std::string SecretServiceWriter::store(const std::string& collection, const char* schema,
                                       const Credential& credential) {
  std::string item = value_of(libsecret().store(collection, schema, credential));
  if (item.empty()) {
    throw refused("store the login of " + credential.login.server);
  }
  return item;
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
