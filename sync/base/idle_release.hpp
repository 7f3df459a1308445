// IdleRelease reports whether a client was idle and released memory.
#pragma once

namespace regsync {

struct IdleRelease {
  bool busy = false;      // requests came since the last call: try again later
  bool released = false;  // some memory was released

  IdleRelease& operator+=(IdleRelease other) {
    busy = busy || other.busy;
    released = released || other.released;
    return *this;
  }
};

}  // namespace regsync
