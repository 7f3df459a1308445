// Tells when logins end: as files say, or a token says itself. Pure; any thread.
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

// `expires` of the settings and of every target, which counts more.
LoginEnds ends_said(const std::map<std::string, std::chrono::sys_days>& settings, const TargetFiles& targets);

struct LoginEnd {
  std::chrono::system_clock::time_point at;
  // The whole life of such a login is a day at most. A program renews it, or a person who knows that it ends.
  bool short_lived = false;

  bool operator==(const LoginEnd&) const = default;
};

// What is known of a login beside itself.
struct LoginOrigin {
  std::string helper = {};                           // the credential helper that made it
  std::chrono::system_clock::time_point since = {};  // when it was made, or stored; 1970: not known
};

// That of its registry in `said`; else what the password says itself: `exp` of a JSON Web Token (Azure), `expiration`
// of a token of ECR; else the known lifetime of a cloud's token from `since`, which it may end before. Nothing where
// none is known.
std::optional<LoginEnd> end_of(const Credential& login, const LoginEnds& said, const LoginOrigin& origin = {});

// How urgent an end is, in days: 14 (long enough to get a new token from somebody), 3, 1, or 0 if it is over. Nothing
// where it is further away, or of a short-lived login that is not over.
std::optional<int> urgency(const LoginEnd& end, std::chrono::system_clock::time_point now);

}  // namespace regsync
