// Reads JSON from outside: total functions that treat a missing value and one of an unexpected type alike, as absent.
// None throws. Pure; any thread.
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

// Parses into a tree that is safe to copy, print and compare, which recurse once per level; nullopt if it is not JSON
// or exceeds the bounds.
std::optional<nlohmann::json> parse_json(std::string_view text, const JsonBounds& bounds = {});

// The value at a path of object keys; null if a step is missing or is no object.
const nlohmann::json* find_at(const nlohmann::json& object, JsonPath path);

// The string at a path; empty if there is none. Valid as long as `object`.
std::string_view text_at(const nlohmann::json& object, JsonPath path);

// The boolean at a path; false if there is none.
bool flag_at(const nlohmann::json& object, JsonPath path);

// The array or object at a path; an empty one if there is none. Valid as long as `object`.
const nlohmann::json& list_at(const nlohmann::json& object, JsonPath path);
const nlohmann::json& map_at(const nlohmann::json& object, JsonPath path);

// The time at a path, in seconds since 1970, clamped by wall_time(); nullopt if there is none or it is beyond the year
// 9999.
std::optional<std::chrono::system_clock::time_point> time_at(const nlohmann::json& object, JsonPath path);

}  // namespace regsync
