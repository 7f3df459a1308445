// Determines when logins end: from files, or from the token itself. Pure; any thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/config/target_directory.hpp"

namespace regsync {

using LoginEnds = std::map<RegistryKey, std::chrono::system_clock::time_point>;

// `expires` of the settings and of every target; targets take precedence.
LoginEnds ends_said(const std::map<std::string, std::chrono::sys_days>& settings, const TargetFiles& targets);

struct LoginEnd {
  std::chrono::system_clock::time_point at;
  // The login's whole lifetime is a day at most. A program renews it, or a user who knows that it ends.
  bool short_lived = false;

  bool operator==(const LoginEnd&) const = default;
};

// What is known about a login beyond its content.
struct LoginOrigin {
  std::string helper = {};                           // the credential helper that created it
  std::chrono::system_clock::time_point since = {};  // when it was created or stored; 1970: unknown
};

// The end of its registry's login in `said`; else the one in the password: `exp` of a JSON Web Token (Azure),
// `expiration` of an ECR token; else `since` plus the known lifetime of a cloud's token, which may end earlier. Nothing
// if none is known.
std::optional<LoginEnd> end_of(const Credential& login, const LoginEnds& said, const LoginOrigin& origin = {});

// The urgency of an end, in days: 14 (long enough to get a new token from somebody), 3, 1, or 0 if it has passed.
// Nothing if it is further away, or if a short-lived login has not ended.
std::optional<int> urgency(const LoginEnd& end, std::chrono::system_clock::time_point now);

}  // namespace regsync
