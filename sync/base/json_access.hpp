// Reads JSON that comes from outside: total functions that answer "not there" for whatever is missing or of another
// type than expected. None throws. Pure; any thread.
#pragma once

#include <chrono>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sync/base/bounded_json.hpp"

namespace regsync {

using JsonPath = std::initializer_list<std::string_view>;

// JSON from outside, as a tree that may be copied, printed and compared (which recurses, once for each level); nothing
// where it is not JSON, or exceeds the bounds.
std::optional<nlohmann::json> parse_json(std::string_view text, const JsonBounds& bounds = {});

// The value at a path of object keys; null where a step is missing or no object.
const nlohmann::json* find_at(const nlohmann::json& object, JsonPath path);

// The text there; empty where there is none. Valid as long as `object`.
std::string_view text_at(const nlohmann::json& object, JsonPath path);

// False where there is no boolean.
bool flag_at(const nlohmann::json& object, JsonPath path);

// The array or object there; an empty one where there is none. Valid as long as `object`.
const nlohmann::json& list_at(const nlohmann::json& object, JsonPath path);
const nlohmann::json& map_at(const nlohmann::json& object, JsonPath path);

// The time there, in seconds since 1970, within wall_time(); nothing where there is none, or one beyond the year 9999.
std::optional<std::chrono::system_clock::time_point> time_at(const nlohmann::json& object, JsonPath path);

}  // namespace regsync
