// The Secret Service on D-Bus: calls in bulk, its errors as ours, its prompts.
//
// Over sd-bus and not libsecret (0.20) for two reasons. Speed: libsecret opens a Diffie-Hellman session (more than half
// of a `get`'s time) and makes one proxy per item (two round trips each). A `plain` session is enough here: the session
// bus is a local socket that only this user's processes reach, and each of them could ask the service for the secret
// itself; the specification (Secret Service, "Transfer of Secrets") leaves the choice to the client. The stores that
// authorise programs still see who asks, since each program asks for itself. And prompts: while several programs
// prompt, some of libsecret's calls never return, or end before the person has answered.
//
// One thread; calls block (25 s at most; prompts as long as the person takes). Errors: Error with code
// store_unavailable, locked or cancelled.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/secret_service/bus_ptr.hpp"

namespace regsync {

inline constexpr const char* secret_service_name = "org.freedesktop.secrets";
inline constexpr const char* secret_service_path = "/org/freedesktop/secrets";

// Writes the arguments of a method call; as often as the call is made.
using BusArguments = std::function<void(sd_bus_message*)>;

struct BusCall {
  std::string path;
  const char* interface;
  const char* method;
  BusArguments arguments;
  const char* destination = secret_service_name;
};

struct BusError {
  std::string name;  // as D-Bus has it; bus_cancelled_name and SD_BUS_ERROR_DISCONNECTED for what happened on our side
  std::string message;
};
inline constexpr const char* bus_cancelled_name = "dev.regsync.Error.Cancelled";

struct BusReply {
  BusMessagePtr value;  // null if there is an error
  std::optional<BusError> error;
};

// Arguments as write_to takes them. Strings are copied; a const char* must live as long as the result.
template <typename... Values>
BusArguments arguments(const char* types, Values... values) {
  return [types, ... values = std::move(values)](sd_bus_message* call) { write_to(call, types, values...); };
}

// The next value of an answer: an array of object paths; a string or one object path.
std::vector<std::string> read_paths(sd_bus_message* message);
std::string read_string(sd_bus_message* message);
std::string read_path(sd_bus_message* message);

class SecretServiceClient {
 public:
  // Connects to the session bus. Throws store_unavailable, cancelled. cancel_fd: see SecretServiceStore.
  explicit SecretServiceClient(int cancel_fd);

  // False if the connection is lost.
  bool alive() { return connection_.process(); }

  // Makes all calls, many at a time, and waits for all replies, which come in the order of the calls. One that the
  // service answers with UnknownMethod is made again, a few times: see max_attempts.
  std::vector<BusReply> call_all(const std::vector<BusCall>& calls);

  // One call; throws what it failed with.
  BusMessagePtr call(const BusCall& call);

  // Asks the service to unlock these objects, with a prompt if it needs one. False if the person, or the lack of one
  // who could answer, left one locked. Of several processes that ask at once (a pull of many images) the first one
  // prompts, and its answer is that of the others.
  bool unlock(const std::vector<std::string>& paths);

  // Shows the prompt that a call answered with, and waits. A message whose next value is a variant with the result of
  // the delayed call; null if the prompt was dismissed.
  BusMessagePtr prompt(const std::string& prompt_path);

  // Lets the person choose a password for a first collection. False if that was dismissed or is not possible.
  bool create_default_collection();

  [[nodiscard]] BusConnection& connection() { return connection_; }

 private:
  std::vector<BusReply> send_all(const std::vector<BusCall>& calls);

  BusConnection connection_;
};

// Only one process of this session at a time holds the lock of a name. It is ownership of a bus name, which ends with
// the process whatever happens to it.
class SessionLock {
 public:
  SessionLock(SecretServiceClient& bus, const char* name);  // waits for its turn
  ~SessionLock();
  SessionLock(const SessionLock&) = delete;
  SessionLock& operator=(const SessionLock&) = delete;
  SessionLock(SessionLock&&) = delete;
  SessionLock& operator=(SessionLock&&) = delete;

  // Whether somebody else held it first.
  [[nodiscard]] bool waited() const { return waited_; }

 private:
  SecretServiceClient& bus_;
  const char* const name_;
  bool waited_ = false;
};

// Held by who changes the store: "look, then replace" is two steps on the Secret Service.
inline constexpr const char* store_writer_lock = "dev.regsync.StoreWriter";

// What a call to the Secret Service failed with, as ours.
Error secret_service_error(const BusError& error);

// Whether the error says that the object of the call is gone (deleted since it was found). A service that fails may say
// so too: where much hangs on it, search again.
bool is_gone(const BusError& error);

// The default collection, or one of the items, is locked and stayed so.
Error locked_error();
Error no_default_collection_error();
Error no_provider_error();

}  // namespace regsync
