// Decides which of two observations of an object is the later one.
//
// A watch and the answers to our own requests arrive over different streams, so an answer may come after the event of a
// later change. All changes of a resource, deletions included, are numbered in one increasing sequence. API servers
// have always used versions that compare as numbers, and guarantee it since 1.35 (KEP-5504). Pure.
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <string_view>

namespace regsync {

// Returns 0, older than all others, for text that is not a number as std::to_string writes it.
inline std::uint64_t version_number(std::string_view resource_version) {
  if (resource_version.starts_with('0')) {
    return 0;
  }
  std::uint64_t number = 0;
  const char* end = std::to_address(resource_version.end());
  const auto [stop, error] = std::from_chars(std::to_address(resource_version.begin()), end, number);
  return error == std::errc() && stop == end ? number : 0;
}

}  // namespace regsync
