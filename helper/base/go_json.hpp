// Reads members of JSON objects as Go's encoding/json does for a struct. Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace regsync {

// The member of this name, ignoring ASCII case; null if there is none or `object` is no object.
const nlohmann::json* find_as_go(const nlohmann::json& object, std::string_view name);
nlohmann::json* find_as_go(nlohmann::json& object, std::string_view name);

// The member's string value; empty if there is none. Valid as long as `object`.
std::string_view text_as_go(const nlohmann::json& object, std::string_view name);

}  // namespace regsync
