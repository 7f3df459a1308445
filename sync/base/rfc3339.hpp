// Writes and reads moments as Kubernetes does (RFC 3339). Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

enum class Precision : std::uint8_t { seconds, microseconds };

// "2026-01-31T12:00:00Z" (metav1.Time), or "2026-01-31T12:00:00.000000Z" (metav1.MicroTime).
std::string to_rfc3339(std::chrono::system_clock::time_point time, Precision precision = Precision::seconds);

// As Go reads metav1.Time: with a fraction (which is dropped) or an offset where somebody likes one, and an hour of one
// digit. Within wall_time(). Nothing for all else, such as a 30th of February.
std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

// Whether that is the beginning of the year 1, which is Go's "no time" (time.Time.IsZero), however it is spelled.
bool is_no_time(std::string_view text);

}  // namespace regsync
