// Changes the Secret Service and prompts the person through libsecret, in calls that always end.
//
// libsecret provides the connection, the prompts, the encrypted session and the non-pageable memory. Its *_sync calls
// are not used: while several programs prompt, or a provider is stopped, some never return, even when cancelled. Here
// each call is asynchronous, in a GMainContext of our own that stops running at the time limit.
//
// One thread. Errors: a provider's error is returned as a BusError, and a timeout as bus_late_name.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "helper/secret_service/secret_service_client.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/credential_store.hpp"

namespace regsync {

class LibsecretCalls {
 public:
  // How long a person may take to answer a prompt.
  static constexpr auto prompt_limit = std::chrono::minutes(10);

  // Connects at the first call, or earlier on another thread with prepare_to_store(). With Prompt::never, every prompt
  // counts as refused. cancel_fd: see SecretServiceStore. limit: the time limit of calls that show no prompt. The first
  // call throws store_unavailable if libsecret cannot be loaded.
  LibsecretCalls(Prompt prompt, int cancel_fd, std::chrono::milliseconds limit);
  ~LibsecretCalls();
  LibsecretCalls(const LibsecretCalls&) = delete;
  LibsecretCalls& operator=(const LibsecretCalls&) = delete;
  LibsecretCalls(LibsecretCalls&&) = delete;
  LibsecretCalls& operator=(LibsecretCalls&&) = delete;

  // Starts to load libsecret and to connect in the background, which takes as long as the rest of a `store`. Does not
  // fail; errors surface at the first call.
  void prepare_to_store();

  // Unlocks these objects, with a prompt if needed. True if all of them are unlocked afterwards.
  Answer<bool> unlock(const std::vector<std::string>& paths);

  // Creates a default collection, with a prompt, and returns its path; empty if the prompt was dismissed.
  Answer<std::string> create_default_collection(const char* label);

  // Creates or replaces an item and returns its path; empty if the user refused. The secret is sent in a `plain`
  // session, or in libsecret's encrypted one if the provider refuses that.
  Answer<std::string> store(const std::string& collection, const char* schema, const Credential& credential);

  // Returns the secret of an item. A provider that asks for consent per program (KeePassXC) gives it only to the
  // connection that unlocked the item, which is this one.
  Answer<SecretString> secret(const std::string& item);

  // Deletes an item, with a prompt if needed; false if the user refused.
  Answer<bool> erase(const std::string& item);

 private:
  class Impl;
  Impl& impl();

  const Prompt prompt_;
  const int cancel_fd_;
  const std::chrono::milliseconds limit_;
  std::future<std::unique_ptr<Impl>> prepared_;
  std::unique_ptr<Impl> impl_;  // null until the first call
};

}  // namespace regsync
