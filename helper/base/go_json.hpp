// JSON as Go's encoding/json reads it into a struct. Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace regsync {

// The member of this name, whatever the case of its letters (of ASCII); null where there is none, or no object.
const nlohmann::json* find_as_go(const nlohmann::json& object, std::string_view name);
nlohmann::json* find_as_go(nlohmann::json& object, std::string_view name);

// The text there; empty where there is none. Valid as long as `object`.
std::string_view text_as_go(const nlohmann::json& object, std::string_view name);

}  // namespace regsync
