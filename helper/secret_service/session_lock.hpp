// A lock that only one process of this session at a time holds.
//
// It is ownership of a bus name, which ends with the process, whatever happens to it. A process that is stopped
// (Ctrl-Z) keeps it, but holds nobody up for longer than some seconds: who waits goes on without the lock then.
#pragma once

#include "helper/secret_service/secret_service_client.hpp"

namespace regsync {

class SessionLock {
 public:
  enum class IfHeld { wait, give_up };

  // Waits for its turn, as long as the service answers, or gives up at once. Throws store_unavailable, naming the
  // holder, if one process holds it for longer than a minute.
  SessionLock(SecretServiceClient& client, const char* name, IfHeld if_held = IfHeld::wait);
  ~SessionLock();
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;
  SessionLock(SessionLock&&) = delete;
  SessionLock& operator=(SessionLock&&) = delete;

  // Whether somebody else held it first, and has let it go.
  [[nodiscard]] bool waited() const { return waited_; }
  // Whether somebody else holds it, and this one gave up.
  [[nodiscard]] bool gave_up() const { return gave_up_; }

 private:
  void wait(const bool& acquired);
  void release() const;

  SecretServiceClient& client_;
  const char* const name_;
  bool waited_ = false;
  bool gave_up_ = false;
};

// Held by who changes the store: "look, then replace" is two steps on the Secret Service.
inline constexpr const char* store_writer_lock = "dev.regsync.StoreWriter";
// Held by who shows a prompt.
inline constexpr const char* prompter_lock = "dev.regsync.Prompter";

}  // namespace regsync
