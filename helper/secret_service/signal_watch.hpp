// SignalWatch subscribes to a D-Bus signal for as long as it lives.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "helper/secret_service/bus_connection.hpp"

namespace regsync {

// While it lives, calls the handler for each matching signal, on the connection's thread. The handler must not throw.
// The bus receives the subscription before any message sent later. Throws store_unavailable if the connection is lost.
class SignalWatch {
 public:
  using Handler = std::function<void(sd_bus_message* signal)>;
  struct Match {  // null: any
    const char* sender = nullptr;
    const char* interface = nullptr;
    const char* signal = nullptr;
    const char* path = nullptr;
    const char* first_argument = nullptr;
  };

  SignalWatch(const BusConnection& connection, const Match& match, Handler handler) : handler_(std::move(handler)) {
    std::string rule = "type='signal'";
    for (const auto& [key, value] :
         {std::pair("sender", match.sender), std::pair("interface", match.interface), std::pair("member", match.signal),
          std::pair("path", match.path), std::pair("arg0", match.first_argument)}) {
      if (value != nullptr) {
        rule.append(",").append(key).append("='").append(value).append("'");
      }
    }
    sd_bus_slot* slot = nullptr;
    const int added = sd_bus_add_match_async(
        connection.get(), &slot, rule.c_str(),
        [](sd_bus_message* signal, void* self, sd_bus_error*) noexcept {
          static_cast<SignalWatch*>(self)->handler_(signal);
          return 0;
        },
        // Without this handler, a refusal by the bus would close the connection.
        [](sd_bus_message*, void*, sd_bus_error*) noexcept { return 0; }, this);
    slot_.reset(slot);
    if (added < 0) {
      throw no_bus_error("the connection is lost");
    }
  }
  ~SignalWatch() = default;
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  SignalWatch(SignalWatch&&) = delete;
  SignalWatch& operator=(SignalWatch&&) = delete;

 private:
  const Handler handler_;
  BusSlotPtr slot_;
};

}  // namespace regsync
