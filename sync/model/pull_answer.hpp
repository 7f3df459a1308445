// The answer of a registry to a login that wants to pull. Plain values.
#pragma once

#include <string>

namespace regsync {

enum class PullVerdict { can_pull, denied, no_such_image, unreachable };

inline constexpr long http_unauthorized = 401;

struct PullAnswer {
  PullVerdict verdict = PullVerdict::unreachable;
  std::string detail;  // what the registry said, for people; no secret
  std::string note;    // what else a person should know; mostly empty
  long status = 0;     // of HTTP, of the answer that decided; 0 where nothing answered
};

}  // namespace regsync
