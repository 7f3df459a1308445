// PullAnswer is a registry's answer to a login that tries to pull. Plain values.
#pragma once

#include <string>

namespace regsync {

enum class PullVerdict { can_pull, denied, no_such_image, unreachable };

struct PullAnswer {
  PullVerdict verdict = PullVerdict::unreachable;
  std::string detail;  // what the registry said, for display; no secret
  std::string note;    // what else the user should know; usually empty
  long status = 0;     // HTTP status of the deciding answer; 0 if there was none

  // Whether the registry rejects the login itself, rather than its access to this image. Meaningful only if a login was
  // given: anonymous requests get the same answer.
  [[nodiscard]] bool refuses_login() const {
    constexpr long unauthorized = 401;
    return verdict == PullVerdict::denied && status == unauthorized;
  }
};

}  // namespace regsync
