// Reads the claims of a JSON Web Token (RFC 7519) without checking its signature: for display only. Pure; any thread.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace regsync {

// The claims; JSON null where `token` is not a JWT.
nlohmann::json jwt_claims(std::string_view token);

// "exp"; nothing where there is none.
std::optional<std::chrono::system_clock::time_point> jwt_expiry(std::string_view token);

// A member of an object that is a time in seconds since 1970; nothing where it is none, or absurd.
std::optional<std::chrono::system_clock::time_point> time_at(const nlohmann::json& object, std::string_view name);

}  // namespace regsync
