// Parses the time that a server asks its client to wait. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace regsync::kube {

// Longer waits are cut to this: the server may be wrong, or another party may have answered.
inline constexpr std::chrono::seconds longest_retry_after = std::chrono::minutes(5);

// The Retry-After header (RFC 9110, 10.2.3): seconds, or a date. A date is relative to the answer's own Date header, so
// that the clocks need not agree, and is ignored without one. Nullopt for anything else, including negative numbers.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::string_view date);

}  // namespace regsync::kube
