#include "helper/secret_service/session_lock.hpp"

#include <cstdint>

#include "helper/secret_service/signal_watch.hpp"

namespace regsync {
namespace {

constexpr const char* bus_name = "org.freedesktop.DBus";
constexpr const char* bus_path = "/org/freedesktop/DBus";

}  // namespace

SessionLock::SessionLock(SecretServiceClient& client, const char* name) : client_(client), name_(name) {
  bool acquired = false;
  const SignalWatch watch(
      client_.connection(),
      {.sender = bus_name, .interface = bus_name, .signal = "NameAcquired", .first_argument = name_},
      [&acquired](sd_bus_message*) { acquired = true; });
  Answer<std::uint32_t> answer;
  client_.ask({question(
      BusCall{bus_path, bus_name, "RequestName", arguments("su", name_, 0U), bus_name},
      +[](sd_bus_message* message) {
        std::uint32_t result = 0;
        read_from(message, "u", &result);
        return result;
      },
      answer)});
  // A bus that lets nobody own names (a sandbox's proxy) leaves us without mutual exclusion, as all other clients are.
  constexpr std::uint32_t in_queue = 2;  // DBUS_REQUEST_NAME_REPLY_IN_QUEUE
  waited_ = answer.value == in_queue;
  if (waited_) {
    client_.connection().wait_until([&acquired] { return acquired; });
    client_.renew();
  }
}

// Nobody waits for the answer: the bus takes messages in order, and the end of the process would do as well.
SessionLock::~SessionLock() {
  sd_bus_call_method_async(client_.connection().get(), nullptr, bus_name, bus_path, bus_name, "ReleaseName", nullptr,
                           nullptr, "s", name_);
}

}  // namespace regsync
