// The Secret Service on D-Bus: typed questions, many at a time, and its errors as ours.
//
// Over sd-bus: libsecret makes one proxy per item (two round trips each) and starts GLib's threads. A `plain` session
// is enough for reading: the session bus is a local socket that only this user's processes reach, and each of them
// could ask the service for the secret itself; the specification (Secret Service, "Transfer of Secrets") leaves the
// choice to the client.
//
// One thread. Calls block, but not for ever: see renew(). Errors: Error with code store_unavailable, locked or
// cancelled.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/secret_service/bus_ptr.hpp"
#include "helper/store/store_reading.hpp"

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
  std::string name;  // as D-Bus has it, or one of those below for what happened on our side
  std::string message;
};
inline constexpr const char* bus_cancelled_name = "dev.regsync.Error.Cancelled";
inline constexpr const char* bus_late_name = "dev.regsync.Error.Late";
inline constexpr const char* bus_odd_answer_name = "dev.regsync.Error.OddAnswer";

// What a call was answered with: either a value or an error.
template <typename T>
struct Answer {
  std::optional<T> value;
  std::optional<BusError> error;
};

// A call, and where its answer goes. An answer of another form than expected is an error of that call alone.
struct Question {
  BusCall call;
  std::function<void(sd_bus_message*)> on_value;
  std::optional<BusError>* error = nullptr;
};

// `place` must outlive the asking.
template <typename T>
Question question(BusCall call, T (*read)(sd_bus_message*), Answer<T>& place) {
  return {std::move(call), [read, &place](sd_bus_message* answer) { place.value.emplace(read(answer)); }, &place.error};
}

// Arguments as write_to takes them. Strings are copied; a const char* must live as long as the result.
template <typename... Values>
BusArguments arguments(const char* types, Values... values) {
  return [types, ... values = std::move(values)](sd_bus_message* call) { write_to(call, types, values...); };
}

// The next value of an answer: an array of object paths; a string or one object path.
std::vector<std::string> read_paths(sd_bus_message* message);
std::string read_string(sd_bus_message* message);
std::string read_path(sd_bus_message* message);
// The path that stands for no prompt, and for no object.
inline constexpr std::string_view no_prompt = "/";
inline std::string object_or_none(std::string path) { return path == no_prompt ? std::string() : std::move(path); }

class SecretServiceClient {
 public:
  // Connects to the session bus. Throws store_unavailable. cancel_fd: see SecretServiceStore.
  explicit SecretServiceClient(int cancel_fd);

  // False if the connection is lost.
  bool alive() { return connection_.process(); }

  // A service that is silent for longer than `patience` does not answer. All calls since renew() together may take
  // `budget`, so that slow answers end too. Call it when a command begins, and after each time that a person or another
  // process was waited for; since: when the service was last known to answer.
  static constexpr auto patience = std::chrono::seconds(10);
  static constexpr auto budget = std::chrono::seconds(30);
  void renew(BusConnection::Clock::time_point since = BusConnection::Clock::now()) {
    progress_ = since;
    deadline_ = progress_ + budget;
  }

  // Asks all, many at a time, and waits for all answers. A call that the service answers with UnknownMethod is made
  // again, a few times: see max_attempts.
  void ask(const std::vector<Question>& questions);

  // One question; throws what it failed with.
  template <typename T>
  T ask(BusCall call, T (*read)(sd_bus_message*)) {
    Answer<T> answer;
    ask({question(std::move(call), read, answer)});
    return value_of(std::move(answer));
  }

  // The value, or the error thrown as ours.
  template <typename T>
  T value_of(Answer<T> answer) {
    if (answer.error) {
      throw error_of(*answer.error);
    }
    return std::move(*answer.value);
  }

  // What a call to the Secret Service failed with, as ours.
  Error error_of(const BusError& error);

  // The unique name of the program that answered last for the Secret Service; empty before the first answer.
  [[nodiscard]] const std::string& provider_name() const { return provider_name_; }
  // How often that has become another program. Answers between which it changes are of two stores.
  [[nodiscard]] int provider_changes() const { return provider_changes_; }
  // The program that has the Secret Service's bus name, or another one; none if nobody has. Asks only the bus, and
  // starts nothing.
  std::optional<StoreProvider> provider() { return owner_of(secret_service_name); }
  std::optional<StoreProvider> owner_of(const std::string& bus_name);

  [[nodiscard]] BusConnection& connection() { return connection_; }

 private:
  struct Asked;
  std::vector<Asked> send(const std::vector<const Question*>& questions);
  void note_sender(sd_bus_message* answer);

  BusConnection connection_;
  BusConnection::Clock::time_point progress_ = BusConnection::Clock::now();  // the last answer, or renew()
  BusConnection::Clock::time_point deadline_ = progress_ + budget;
  std::string provider_name_;
  int provider_changes_ = 0;
};

// Whether the error says that the object of the call is gone (deleted since it was found). A service that fails may say
// so too: where much hangs on it, search again.
bool is_gone(const BusError& error);

bool is_locked(const BusError& error);
BusError locked_item();  // what a provider should have answered
// The session of a secret is not, or no longer, known to the service.
bool is_no_session(const BusError& error);

}  // namespace regsync
