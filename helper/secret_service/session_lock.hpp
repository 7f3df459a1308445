// A lock that only one process of this session at a time holds.
//
// It is ownership of a bus name, which ends with the process, whatever happens to it.
#pragma once

#include <string>

#include "helper/secret_service/secret_service_client.hpp"

namespace regsync {

class SessionLock {
 public:
  // Waits for its turn.
  SessionLock(SecretServiceClient& client, const char* name);
  ~SessionLock();
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;
  SessionLock(SessionLock&&) = delete;
  SessionLock& operator=(SessionLock&&) = delete;

  // Whether somebody else held it first.
  [[nodiscard]] bool waited() const { return waited_; }

 private:
  SecretServiceClient& client_;
  const char* const name_;
  bool waited_ = false;
};

// Held by who changes the store: "look, then replace" is two steps on the Secret Service.
inline constexpr const char* store_writer_lock = "dev.regsync.StoreWriter";
// Held by who shows a prompt.
inline constexpr const char* prompter_lock = "dev.regsync.Prompter";

}  // namespace regsync
