// Reads the footprints of this installation's owner, for commands that only read them. One thread.
#pragma once

#include <string>

#include "sync/engine/footprint.hpp"

namespace regsync::cli {

// owner: the value of --owner. Throws as known_owner() and FootprintStore do.
FootprintStore known_footprints(const std::string& owner = {});

}  // namespace regsync::cli
