// Converts a target from and to the YAML of its file. Pure functions of text; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/model/target.hpp"

namespace regsync {

// The keys of a target's file.
const std::vector<std::string>& target_keys();

// Parses a target. Throws Error(invalid_input) naming `source`, line and column, and the valid form; unknown keys are
// errors, so that a typo never silently changes what is synced.
Target parse_target(std::string name, std::string_view yaml, std::string_view source);

// Whether a text parses as this target.
bool reads_as(std::string_view yaml, const Target& target);

// The file's content for a target; parse_target() of it gives the same target.
std::string to_yaml(const Target& target);

}  // namespace regsync
