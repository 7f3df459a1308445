// The Secret Service on D-Bus: calls in bulk, its errors as ours, its prompts.
//
// Over GDBus and not libsecret (0.20) for two reasons. Speed: libsecret opens a Diffie-Hellman session (more than half
// of a `get`'s time) and makes one proxy per item (two round trips each). A `plain` session is enough here: the session
// bus is a local socket that only this user's processes reach, and each of them could ask the service for the secret
// itself; the specification (Secret Service, "Transfer of Secrets") leaves the choice to the client. The stores that
// authorise programs still see who asks, since each program asks for itself. And prompts: while several programs
// prompt, some of libsecret's calls never return, or end before the person has answered.
//
// One thread; calls block (GDBus' own time limit, 25 s; prompts as long as the person takes). Errors: Error with code
// store_unavailable or locked.
#pragma once

#include <string>
#include <vector>

#include "helper/credential.hpp"
#include "helper/error.hpp"
#include "helper/glib_ptr.hpp"

namespace regsync {

inline constexpr const char* secret_service_name = "org.freedesktop.secrets";
inline constexpr const char* secret_service_path = "/org/freedesktop/secrets";

// One method call; `arguments` is floating, as GVariant constructors return it, and consumed by the call.
struct BusCall {
  std::string path;
  const char* interface;
  const char* method;
  GVariant* arguments;
  const char* destination = secret_service_name;
};

struct BusReply {
  GVariantPtr value;  // null if there is an error
  GErrorPtr error;
};

class SecretServiceBus {
 public:
  // Connects to the session bus. Throws store_unavailable. cancel: see SecretServiceStore.
  explicit SecretServiceBus(GCancellable* cancel);

  // Makes all calls, many at a time, and waits for all replies, which come in the order of the calls. One that the
  // service answers with UnknownMethod is made again, a few times: see max_attempts.
  std::vector<BusReply> call_all(const std::vector<BusCall>& calls);

  // One call; throws what it failed with.
  GVariantPtr call(const BusCall& call);

  // Asks the service to unlock these objects, with a prompt if it needs one. False if the person, or the lack of one
  // who could answer, left one locked. Of several processes that ask at once (a pull of many images) the first one
  // prompts, and its answer is that of the others.
  bool unlock(const std::vector<std::string>& paths);

  // Shows the prompt that a call answered with, and waits. The result of the delayed call; null if it was dismissed.
  GVariantPtr prompt(const std::string& prompt_path);

  // Lets the person choose a password for a first collection. False if that was dismissed or is not possible.
  bool create_default_collection();

  [[nodiscard]] GDBusConnection* connection() const { return connection_.get(); }
  [[nodiscard]] GObjectPtr<GDBusConnection> share_connection() const;

 private:
  std::vector<BusReply> send_all(const std::vector<BusCall>& calls);

  GCancellable* const cancel_;
  GObjectPtr<GDBusConnection> connection_;
};

// Only one process of this session at a time holds the lock of a name. It is ownership of a bus name, which ends with
// the process whatever happens to it.
class SessionLock {
 public:
  SessionLock(SecretServiceBus& bus, const char* name);  // waits for its turn
  ~SessionLock();
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;
  SessionLock(SessionLock&&) = delete;
  SessionLock& operator=(SessionLock&&) = delete;

  // Whether somebody else held it first.
  [[nodiscard]] bool waited() const { return waited_; }

 private:
  SecretServiceBus& bus_;
  const char* const name_;
  bool waited_ = false;
};

// Held by who changes the store: "look, then replace" is two steps on the Secret Service.
inline constexpr const char* store_writer_lock = "dev.regsync.StoreWriter";

// A GError of a call to the Secret Service as ours.
Error secret_service_error(const GError& error);

// Whether the error says that the object of the call is gone (deleted since it was found). A service that fails may say
// so too: where much hangs on it, search again.
bool is_gone(const GError& error);

// The default collection, or one of the items, is locked and stayed so.
Error locked_error();
Error no_default_collection_error();
Error no_provider_error();

}  // namespace regsync
