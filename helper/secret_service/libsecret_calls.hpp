// Changes the Secret Service and prompts the person through libsecret, in calls that always end.
//
// libsecret brings the connection, the prompts, the encrypted session and the non-pageable memory. Its *_sync calls are
// not used: while several programs prompt, or a provider is stopped, some never return, even when they are cancelled.
// Here each call is an asynchronous one in a GMainContext of ours, which is left once the time is over.
//
// One thread. Errors: what a provider answers comes back as a BusError; the time being over as bus_late_name.
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

  // Connects at the first call; prepare_to_store() does that meanwhile, on another thread. With Prompt::never a prompt
  // is taken for refused. cancel_fd: see SecretServiceStore. limit: of what needs no person. The first call throws
  // store_unavailable if libsecret cannot be loaded.
  LibsecretCalls(Prompt prompt, int cancel_fd, std::chrono::milliseconds limit);
  ~LibsecretCalls();
  LibsecretCalls(const LibsecretCalls&) = delete;
  LibsecretCalls& operator=(const LibsecretCalls&) = delete;
  LibsecretCalls(LibsecretCalls&&) = delete;
  LibsecretCalls& operator=(LibsecretCalls&&) = delete;

  // Loads libsecret and connects, which takes as long as all the rest of a `store`, while the caller does something
  // else. Nothing fails here; the first call does.
  void prepare_to_store();

  // Whether all of these objects are unlocked then; prompts if it must.
  Answer<bool> unlock(const std::vector<std::string>& paths);

  // The path of a new default collection; prompts. Empty if that was dismissed.
  Answer<std::string> create_default_collection(const char* label);

  // The path of the item that was made or replaced; empty if the person refused. The secret crosses in a `plain`
  // session, or in libsecret's own where the provider refuses that.
  Answer<std::string> store(const std::string& collection, const char* schema, const Credential& credential);

  // The secret of an item. A provider that asks for each program (KeePassXC) gives it only to the connection that
  // unlocked it, which is this one.
  Answer<SecretString> secret(const std::string& item);

  // Prompts if it must; false if the person refused.
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
