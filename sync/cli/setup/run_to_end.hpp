// A program run to its end from a place that has no event loop.
#pragma once

#include "sync/base/child_process.hpp"

namespace regsync {

// run_child on an io_context of its own; blocks.
ChildResult run_to_end(ChildCommand command);

}  // namespace regsync
