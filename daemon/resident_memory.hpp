// What a daemon that is mostly idle should not keep resident.
#pragma once

namespace regsync {

// Returns free heap to the system, and lets go of the pages of code and constants that are mapped from files: a start,
// a list, a handshake touch much that is not touched again for hours, and each touch maps 16 pages around it (the
// kernel's fault-around). What is needed again costs a minor fault. Takes a few milliseconds with a large heap. Any
// thread.
void give_back_memory();

}  // namespace regsync
