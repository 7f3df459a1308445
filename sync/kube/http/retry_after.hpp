// Parses the time that a server asks its client to wait. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace regsync::kube {

// No server may send us away for longer: it may be wrong, or not the server.
inline constexpr std::chrono::seconds longest_retry_after = std::chrono::minutes(5);

// The Retry-After header (RFC 9110, 10.2.3): seconds, or a date, which is read against the answer's own Date header so
// that the clocks need not agree; without that, a date is no wish. Nullopt for anything else, negative numbers too.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::string_view date);

}  // namespace regsync::kube
