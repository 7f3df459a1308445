// A client of the Secret Service on D-Bus: typed calls, many at a time, with its errors converted to Error.
//
// Uses sd-bus: libsecret makes one proxy per item (two round trips each) and starts GLib's threads. A `plain` session
// is enough for reading: the session bus is a local socket that only this user's processes reach, and each of them
// could ask the service for the secret itself; the specification (Secret Service, "Transfer of Secrets") leaves the
// choice to the client.
//
// One thread. Calls block for a limited time: see renew(). Errors: Error with code store_unavailable, locked or
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

// Writes the arguments of a method call. Called once per attempt.
using BusArguments = std::function<void(sd_bus_message*)>;

struct BusCall {
  std::string path;
  const char* interface;
  const char* method;
  BusArguments arguments;
  const char* destination = secret_service_name;
};

struct BusError {
  std::string name;  // the D-Bus name, or one of those below for errors on our side
  std::string message;
};
inline constexpr const char* bus_cancelled_name = "dev.regsync.Error.Cancelled";
inline constexpr const char* bus_late_name = "dev.regsync.Error.Late";
inline constexpr const char* bus_odd_answer_name = "dev.regsync.Error.OddAnswer";

// The result of a call: either a value or an error.
template <typename T>
struct Answer {
  std::optional<T> value;
  std::optional<BusError> error;
};

// A call and the destination of its answer. A malformed answer is an error of that call alone.
struct Question {
  BusCall call;
  std::function<void(sd_bus_message*)> on_value;
  std::optional<BusError>* error = nullptr;
};

// `place` must outlive the call to ask().
template <typename T>
Question question(BusCall call, T (*read)(sd_bus_message*), Answer<T>& place) {
  return {std::move(call), [read, &place](sd_bus_message* answer) { place.value.emplace(read(answer)); }, &place.error};
}

// Arguments as for write_to. Strings are copied; a const char* must live as long as the result.
template <typename... Values>
BusArguments arguments(const char* types, Values... values) {
  return [types, ... values = std::move(values)](sd_bus_message* call) { write_to(call, types, values...); };
}

// Read the next value of an answer: an array of object paths, a string, or one object path.
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

  // A service that is silent for longer than `patience` counts as not answering. All calls since renew() together may
  // take `budget`, which also bounds slow answers. Call renew() when a command begins, and after each wait for the user
  // or another process. since: when the service was last known to answer.
  static constexpr auto patience = std::chrono::seconds(10);
  static constexpr auto budget = std::chrono::seconds(30);
  void renew(BusConnection::Clock::time_point since = BusConnection::Clock::now()) {
    progress_ = since;
    deadline_ = progress_ + budget;
  }

  // Makes all calls, many at a time, and waits for all answers. A call answered with UnknownMethod is repeated a few
  // times: see max_attempts.
  void ask(const std::vector<Question>& questions);

  // Makes one call; throws its error.
  template <typename T>
  T ask(BusCall call, T (*read)(sd_bus_message*)) {
    Answer<T> answer;
    ask({question(std::move(call), read, answer)});
    return value_of(std::move(answer));
  }

  // Returns the value, or throws the error as an Error.
  template <typename T>
  T value_of(Answer<T> answer) {
    if (answer.error) {
      throw error_of(*answer.error);
    }
    return std::move(*answer.value);
  }

  // Converts the error of a call to the Secret Service.
  Error error_of(const BusError& error);

  // The unique bus name of the program that last answered for the Secret Service; empty before the first answer.
  [[nodiscard]] const std::string& provider_name() const { return provider_name_; }
  // How often that program has changed. Answers from before and after a change come from two stores.
  [[nodiscard]] int provider_changes() const { return provider_changes_; }
  // The program that owns the Secret Service's bus name, or the given one; nullopt if nobody does. Asks only the bus
  // and starts nothing.
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

// Whether the error says that the object of the call is gone (deleted since it was found). A failing service may say so
// too: where the difference matters, search again.
bool is_gone(const BusError& error);

bool is_locked(const BusError& error);
BusError locked_item();  // the error that a provider should have answered with
// Whether the service does not, or no longer, know the session.
bool is_no_session(const BusError& error);

}  // namespace regsync
