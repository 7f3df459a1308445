// guarded() runs a function and returns what it throws as an Error; see also sync/base/spawn_guarded.hpp. Any thread.
#pragma once

#include <optional>
#include <utility>

#include "helper/base/error.hpp"

namespace regsync {

// Runs `work`. Returns what it threw as an Error; nullopt on success.
template <typename Work>
[[nodiscard]] std::optional<Error> guarded(Work&& work) {
  try {
    std::forward<Work>(work)();
    return std::nullopt;
  } catch (...) {
    return current_error();
  }
}

}  // namespace regsync
