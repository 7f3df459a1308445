// Owners of sd-bus objects: unique_ptrs that drop their reference.
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

using BusPtr = std::unique_ptr<sd_bus, BusRelease<sd_bus_close_unref>>;  // closes it even if others hold references
using BusMessagePtr = std::unique_ptr<sd_bus_message, BusRelease<sd_bus_message_unref>>;
using BusSlotPtr = std::unique_ptr<sd_bus_slot, BusRelease<sd_bus_slot_unref>>;  // its handler is no longer called

}  // namespace regsync
