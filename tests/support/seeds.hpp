// Reads which random histories a test runs: $REGSYNC_SEED and $REGSYNC_SEEDS.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace regsync::test {

// Returns the number in an environment variable; nullopt if it is not set.
inline std::optional<int> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? std::nullopt : std::optional(std::stoi(text));
}

}  // namespace regsync::test
