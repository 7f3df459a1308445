// Changes the Secret Service, and prompts the user where needed, through libsecret. Erasing without a prompt does not
// load libsecret; neither does any call with Prompt::never, unless the provider refuses the reader's session: in the
// daemon, libsecret and GLib would stay loaded for good (3 MiB and three threads).
//
// If several processes want an unlock at once (a pull of many images), they prompt one after the other. Once a
// collection is open, or the user dismissed the prompt for it, the others do not prompt. Consent to use an item is per
// process. Uses the given client, on the client's thread; blocks while a prompt is shown. Errors: Error with code
// store_unavailable, locked or cancelled.
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

  // See LibsecretCalls; does nothing with Prompt::never.
  void prepare_to_store();

  // Asks the service to unlock these objects of the contents. False if one stays locked, because the user refused or
  // nobody could answer. With Prompt::never it neither prompts nor waits for other prompts, and unlocks only what needs
  // no password.
  bool unlock(const StoreContents& contents, const std::vector<std::string>& paths);

  // Lets the user choose a password for a first collection. False if the prompt was dismissed or is not possible.
  bool create_default_collection();

  // Creates or replaces an item and returns its path. Throws locked if the user refuses. With Prompt::never the secret
  // is sent in the reader's session, and libsecret is used only if the provider refuses that session.
  std::string store(SecretServiceReader& reader, const std::string& collection, const char* schema,
                    const Credential& credential);

  // The secret of an item that unlock() opened for this program, or whose provider refuses the reader's session.
  Answer<SecretString> secret(const std::string& path);

  // Deletes an item; false if it is gone already. Throws locked if the user refuses.
  bool erase(const std::string& path, const Login& login);

 private:
  bool unlock_silently(const std::vector<std::string>& paths);
  void tell_of_refusal(const std::vector<std::string>& collections);
  // The path is empty if a prompt would be needed.
  Answer<std::string> store_silently(const std::string& session, const std::string& collection, const char* schema,
                                     const Credential& credential);
  // False if a prompt would be needed.
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
