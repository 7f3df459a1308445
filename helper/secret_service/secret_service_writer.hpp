// Changes the Secret Service, and asks the person where that needs one.
//
// Of several processes that want an unlock at once (a pull of many images) the first one prompts, and its answer is
// that of the others. Uses the client that it is given, on its thread; blocks while a prompt is shown. Errors: Error
// with code store_unavailable, locked or cancelled.
#pragma once

#include <string>
#include <vector>

#include "helper/secret_service/secret_service_client.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/credential_store.hpp"

namespace regsync {

class SecretServiceWriter {
 public:
  SecretServiceWriter(SecretServiceClient& client, Prompt prompt) : client_(client), prompt_(prompt) {}

  // Asks the service to unlock these objects. False if the person, or the lack of one who could answer, left one
  // locked. With Prompt::never nobody is asked, and only what needs no password opens.
  bool unlock(const std::vector<std::string>& paths);

  // Lets the person choose a password for a first collection. False if that was dismissed or is not possible.
  bool create_default_collection();

  // The path of the item that was made or replaced; empty if the service did not say.
  std::string store(const std::string& collection, const std::string& session, const Credential& credential);

  // False if the item is not there any more.
  bool erase(const std::string& path, const Login& login);

 private:
  BusMessagePtr show(const std::string& prompt_path);
  BusMessagePtr consent(const std::string& prompt_path, const std::string& purpose);
  void dismiss(const std::string& prompt_path);

  SecretServiceClient& client_;
  const Prompt prompt_;
};

}  // namespace regsync
