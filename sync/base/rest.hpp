// What came of a call that gives back the memory which is kept for what comes next, where nothing has come lately.
#pragma once

namespace regsync {

struct Rest {
  bool too_soon = false;   // something came since the last call: once more, later
  bool gave_back = false;  // some memory is free now

  Rest& operator+=(Rest other) {
    too_soon = too_soon || other.too_soon;
    gave_back = gave_back || other.gave_back;
    return *this;
  }
};

}  // namespace regsync
