// Logs a problem once, when it appears.
#pragma once

#include <optional>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/log.hpp"

namespace regsync {

// Replaces the known problem with the present one, if any, and logs a new one. Returns whether they differ.
inline bool note_problem(std::optional<Error>& known, std::optional<Error> now) {
  const bool differs = known != now;
  if (now && differs) {
    log::error(describe(*now));
  }
  known = std::move(now);
  return differs;
}

}  // namespace regsync
