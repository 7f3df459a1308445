// Owners of sd-bus' objects: unique_ptrs that give up their reference.
#pragma once

#include <systemd/sd-bus.h>

#include <memory>

namespace regsync {

template <auto Release>
struct BusRelease {
  template <typename T>
  void operator()(T* object) const {
    Release(object);
  }
};

using BusPtr = std::unique_ptr<sd_bus, BusRelease<sd_bus_close_unref>>;  // closes it, whoever else holds it
using BusMessagePtr = std::unique_ptr<sd_bus_message, BusRelease<sd_bus_message_unref>>;
using BusSlotPtr = std::unique_ptr<sd_bus_slot, BusRelease<sd_bus_slot_unref>>;  // its handler is not called any more

}  // namespace regsync
