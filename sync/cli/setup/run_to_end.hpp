// Runs a program to its end, for callers without an event loop.
#pragma once

#include "sync/base/child_process.hpp"

namespace regsync {

// run_child on an io_context of its own; blocks.
ChildResult run_to_end(ChildCommand command);

}  // namespace regsync
