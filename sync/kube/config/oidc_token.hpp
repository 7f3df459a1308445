// The id-token of an auth-provider "oidc": a JSON Web Token (RFC 7519). Pure.
//
// Nobody checks the signature here, as in client-go: the token is for the API server. Only its expiry is read.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace regsync::kube {

// Three parts, the second of them a JSON object.
bool is_id_token(std::string_view token);

// Its "exp"; nothing where there is none.
std::optional<std::chrono::system_clock::time_point> expiry_of_id_token(std::string_view token);

}  // namespace regsync::kube
