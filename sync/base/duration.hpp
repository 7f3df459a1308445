// Parses durations as people write them in options and files: "90s", "6h", "1m30s", "500ms" (whole numbers of Go's
// time.ParseDuration). Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// Nullopt if `text` is not a duration, or is longer than a million hours.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The shortest text that parse_duration reads as `duration`: "1h30m".
std::string to_text(std::chrono::seconds duration);

// What an error says after `invalid duration "5"`.
inline constexpr std::string_view duration_examples = "write it as 30s, 6h or 1m30s";

}  // namespace regsync
