// A connection to the D-Bus session bus, and what is sent and received on it.
//
// sd-bus is not thread-safe: a connection, its messages and its slots are used on one thread at a time. Handlers run
// inside process() and wait_until(), and call neither. Errors: Error with code store_unavailable, for the bus serves
// the store, and besides it only notices, whose errors nobody acts on.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

#include "helper/base/error.hpp"
#include "helper/secret_service/bus_ptr.hpp"

namespace regsync {

class BusConnection {
 public:
  using Clock = std::chrono::steady_clock;

  // Connects. The bus has not answered yet: what is sent meanwhile follows its greeting without a round trip of its
  // own. cancel_fd stays the caller's and outlives this: once it is readable, nothing waits any more; -1 for none.
  // Throws store_unavailable.
  explicit BusConnection(int cancel_fd = -1);

  // Hands what has come to its handlers, without waiting. False once the connection is lost.
  bool process();

  // Handles what comes until it holds, which is `held`, or until one of the others happens.
  enum class Waited { held, late, cancelled, disconnected };
  Waited wait_until(const std::function<bool()>& holds, Clock::time_point deadline = Clock::time_point::max());

  // Calls a method and waits for its answer, of which only a failure counts. Throws store_unavailable.
  struct Method {
    const char* destination;
    const char* path;
    const char* interface;
    const char* name;
  };
  void call(const Method& method, const std::function<void(sd_bus_message*)>& write,
            std::chrono::microseconds patience);

  [[nodiscard]] sd_bus* get() const { return bus_.get(); }
  [[nodiscard]] bool is_open() const { return sd_bus_is_open(bus_.get()) > 0; }
  // Whether the bus has answered at all.
  [[nodiscard]] bool is_ready() const { return sd_bus_is_ready(bus_.get()) > 0; }

 private:
  const int cancel_fd_;
  BusPtr bus_;
};

// Sleeps until the bus (null: none) has work for process(), the file descriptor is readable, which is the result, or
// the time has come. May wake for nothing.
bool wait_for_input(sd_bus* bus, int other_fd,
                    std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max());

// Why the session bus cannot be used, by where the environment says that it is.
Error no_bus_error(const std::string& reason);
Error bus_cancelled_error();

// Connects, and waits for the bus to answer. Nothing where it does.
std::optional<Error> session_bus_problem(std::chrono::milliseconds patience);

// The result of an sd-bus function that writes into a message. Throws ErrorCode::internal.
int written(int result);

// The result of an sd-bus function that reads from a message that was received: it may be of another form than the
// specification has it. Throws store_unavailable.
int understood(int result);

// Types as in sd_bus_message_append(3) and sd_bus_message_read(3); a std::string serves as a const char*.
template <typename... Values>
void write_to(sd_bus_message* message, const char* types, const Values&... values) {
  const auto plain = []<typename Value>(const Value& value) {
    if constexpr (std::is_same_v<Value, std::string>) {
      return value.c_str();
    } else {
      return std::decay_t<const Value&>(value);
    }
  };
  written(sd_bus_message_append(message, types, plain(values)...));
}
template <typename... Values>
bool read_from(sd_bus_message* message, const char* types, Values... values) {  // false at the end of an array
  return understood(sd_bus_message_read(message, types, values...)) > 0;
}

}  // namespace regsync
