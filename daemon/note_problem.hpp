// Logs a problem when it is new, and not again while it lasts.
#pragma once

#include <optional>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/log.hpp"

namespace regsync {

// Replaces the known problem by the present one, or by none; logs one that is new. Whether they differ.
inline bool note_problem(std::optional<Error>& known, std::optional<Error> now) {
  const bool differs = known != now;
  if (now && differs) {
    log::error(describe(*now));
  }
  known = std::move(now);
  return differs;
}

}  // namespace regsync
