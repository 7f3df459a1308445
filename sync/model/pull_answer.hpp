// The answer of a registry to a login that wants to pull. Plain values.
#pragma once

#include <string>

namespace regsync {

enum class PullVerdict { can_pull, denied, no_such_image, unreachable };

struct PullAnswer {
  PullVerdict verdict = PullVerdict::unreachable;
  std::string detail;  // what the registry said, for people; no secret
  std::string note;    // what else a person should know; mostly empty
  long status = 0;     // of HTTP, of the answer that decided; 0 where nothing answered

  // Whether the registry does not take the login at all, rather than not for this image. Where a login was given: who
  // gives none is answered the same.
  [[nodiscard]] bool refuses_login() const {
    constexpr long unauthorized = 401;
    return verdict == PullVerdict::denied && status == unauthorized;
  }
};

}  // namespace regsync
