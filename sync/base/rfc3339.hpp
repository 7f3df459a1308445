// Writes and reads times as Kubernetes does (RFC 3339). Pure; any thread.
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

// Parses as Go does for metav1.Time: accepts a fraction (which is dropped), an offset, and an hour of one digit.
// Clamped by wall_time(). Nullopt for anything else, such as a 30th of February.
std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

// Whether the text denotes, in any spelling, the start of the year 1, Go's zero time (time.Time.IsZero).
bool is_no_time(std::string_view text);

}  // namespace regsync
