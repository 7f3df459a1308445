// Reads which random histories a test is to run: $REGSYNC_SEED and $REGSYNC_SEEDS.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace regsync::test {

// The number in a variable of the environment; nothing where it is not set.
inline std::optional<int> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? std::nullopt : std::optional(std::stoi(text));
}

}  // namespace regsync::test
