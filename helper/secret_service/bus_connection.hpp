// A connection to the D-Bus session bus, with helpers to send and receive messages.
//
// sd-bus is not thread-safe: a connection, its messages and its slots are used on one thread at a time. Handlers run
// inside process() and wait_until(), and must call neither. Errors: Error with code store_unavailable, because the bus
// serves the store; its only other use is for notices, whose errors nobody acts on.
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

  // Connects without waiting for the bus to answer: messages sent meanwhile follow the greeting without an extra round
  // trip. The caller owns cancel_fd, which must outlive this object; once it is readable, no call waits any more. -1
  // for none. Throws store_unavailable.
  explicit BusConnection(int cancel_fd = -1);

  // Dispatches received messages to their handlers without waiting. False once the connection is lost.
  bool process();

  // Dispatches messages until the condition holds (`held`) or one of the other outcomes occurs.
  enum class Waited { held, late, cancelled, disconnected };
  Waited wait_until(const std::function<bool()>& holds, Clock::time_point deadline = Clock::time_point::max());

  // Calls a method and waits for its answer, whose value is discarded. Throws store_unavailable on failure.
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

// Sleeps until the bus (may be null) has work for process(), the file descriptor is readable, or the deadline passes.
// Returns whether the descriptor is readable. Spurious wake-ups are possible.
bool wait_for_input(sd_bus* bus, int other_fd,
                    std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max());

// The error for an unusable session bus, with a message that depends on where the environment says it is.
Error no_bus_error(const std::string& reason);
Error bus_cancelled_error();

// Connects and waits for the bus to answer. Returns nullopt if it does.
std::optional<Error> session_bus_problem(std::chrono::milliseconds patience);

// Checks the result of an sd-bus function that writes to a message. Throws ErrorCode::internal if it failed.
int written(int result);

// Checks the result of an sd-bus function that reads a received message, which may not have the form that the
// specification demands. Throws store_unavailable if it failed.
int understood(int result);

// Types as in sd_bus_message_append(3) and sd_bus_message_read(3); a std::string is passed as a const char*.
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
