// IdleRelease says whether a client was idle and gave memory back.
#pragma once

namespace regsync {

struct IdleRelease {
  bool busy = false;      // requests came since the last call: try again later
  bool released = false;  // some memory is free now

  IdleRelease& operator+=(IdleRelease other) {
    busy = busy || other.busy;
    released = released || other.released;
    return *this;
  }
};

}  // namespace regsync
