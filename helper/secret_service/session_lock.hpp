// A lock that at most one process of the session holds.
//
// It is the ownership of a bus name, which ends with the process, however it ends. A stopped process (Ctrl-Z) keeps the
// lock, but blocks others for only a few seconds: then they continue without it.
#pragma once

#include "helper/secret_service/secret_service_client.hpp"

namespace regsync {

class SessionLock {
 public:
  enum class IfHeld { wait, give_up };

  // Waits for the lock as long as the service answers, or gives up at once. Throws store_unavailable, naming the
  // holder, if one process holds it for longer than a minute.
  SessionLock(SecretServiceClient& client, const char* name, IfHeld if_held = IfHeld::wait);
  ~SessionLock();
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;
  SessionLock(SessionLock&&) = delete;
  SessionLock& operator=(SessionLock&&) = delete;

  // Whether another process held it first and has released it.
  [[nodiscard]] bool waited() const { return waited_; }
  // Whether another process holds it and this one gave up.
  [[nodiscard]] bool gave_up() const { return gave_up_; }

 private:
  void wait(const bool& acquired);
  void release() const;

  SecretServiceClient& client_;
  const char* const name_;
  bool waited_ = false;
  bool gave_up_ = false;
};

// Held while changing the store: "look up, then replace" takes two steps on the Secret Service.
inline constexpr const char* store_writer_lock = "dev.regsync.StoreWriter";
// Held while showing a prompt.
inline constexpr const char* prompter_lock = "dev.regsync.Prompter";

}  // namespace regsync
