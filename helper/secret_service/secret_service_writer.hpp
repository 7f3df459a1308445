// Changes the Secret Service, and asks the person where that needs one: through libsecret, which is loaded then. What
// is erased without asking anybody needs it not, and nothing does where nobody may be asked: in the daemon libsecret
// and GLib would stay for good (3 MiB and three threads).
//
// Of several processes that want an unlock at once (a pull of many images) one after the other prompts. Where a
// collection is open then, or the person dismissed the prompt for it, the others ask no more. Consent to use an item is
// given to each process by itself. Uses the client that it is given, on its thread; blocks while a prompt is shown.
// Errors: Error with code store_unavailable, locked or cancelled.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "helper/secret_service/secret_service_client.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/credential_store.hpp"

namespace regsync {

class LibsecretCalls;
class SecretServiceReader;
struct StoreContents;

class SecretServiceWriter {
 public:
  // cancel_fd: see SecretServiceStore.
  SecretServiceWriter(SecretServiceClient& client, Prompt prompt, int cancel_fd);
  ~SecretServiceWriter();
  SecretServiceWriter(const SecretServiceWriter&) = delete;
  SecretServiceWriter& operator=(const SecretServiceWriter&) = delete;
  SecretServiceWriter(SecretServiceWriter&&) = delete;
  SecretServiceWriter& operator=(SecretServiceWriter&&) = delete;

  // See LibsecretCalls; nothing with Prompt::never.
  void prepare_to_store();

  // Asks the service to unlock these objects of the contents. False if the person, or the lack of one who could answer,
  // left one locked. With Prompt::never nobody is asked or waited for, and only what needs no password opens.
  bool unlock(const StoreContents& contents, const std::vector<std::string>& paths);

  // Lets the person choose a password for a first collection. False if that was dismissed or is not possible.
  bool create_default_collection();

  // The path of the item that was made or replaced. Throws locked if the person refuses. With Prompt::never the secret
  // crosses in the reader's session, and libsecret is needed only where the provider refuses that.
  std::string store(SecretServiceReader& reader, const std::string& collection, const char* schema,
                    const Credential& credential);

  // The secret of an item that unlock() opened for this program, or whose provider refuses the reader's session.
  Answer<SecretString> secret(const std::string& path);

  // False if the item is not there any more. Throws locked if the person refuses.
  bool erase(const std::string& path, const Login& login);

 private:
  bool unlock_silently(const std::vector<std::string>& paths);
  void tell_of_refusal(const std::vector<std::string>& collections);
  // The path is empty where a person would be asked.
  Answer<std::string> store_silently(const std::string& session, const std::string& collection, const char* schema,
                                     const Credential& credential);
  // False where a person would be asked.
  Answer<bool> erase_silently(const std::string& path);
  void dismiss(const std::string& prompt);
  LibsecretCalls& libsecret();
  template <typename T>
  T value_of(Answer<T> answer);

  SecretServiceClient& client_;
  const Prompt prompt_;
  const int cancel_fd_;
  std::unique_ptr<LibsecretCalls> libsecret_;  // null until the first change
};

}  // namespace regsync
