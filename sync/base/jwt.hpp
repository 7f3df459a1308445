// Reads the claims of a JSON Web Token (RFC 7519) without checking its signature: for display only. Pure; any thread.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace regsync {

// The claims; JSON null if `token` is not a JWT.
nlohmann::json jwt_claims(std::string_view token);

// The claim "exp", a number that may be written as a string (client-go plugin/pkg/client/auth/oidc, jsonTime); nullopt
// if there is none.
std::optional<std::chrono::system_clock::time_point> jwt_expiry(std::string_view token);

}  // namespace regsync
