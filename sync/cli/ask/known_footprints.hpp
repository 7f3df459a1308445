// Reads the footprints of this installation's owner, for commands that only look at them. One thread.
#pragma once

#include <string>

#include "sync/engine/footprint.hpp"

namespace regsync::cli {

// owner: as --owner names it. Throws as known_owner() and FootprintStore do.
FootprintStore known_footprints(const std::string& owner = {});

}  // namespace regsync::cli
