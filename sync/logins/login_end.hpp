// When logins end: as files say, or a token says itself. Pure; any thread.
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

// That of its registry in `said`; else `exp` of a password that is a JSON Web Token. Nothing where neither is known.
std::optional<std::chrono::system_clock::time_point> end_of(const Credential& login, const LoginEnds& said);

// How urgent an end is, in days: 14 (long enough to get a new token from somebody), 3, 1, or 0 if it is over. Nothing
// where it is further away.
std::optional<int> urgency(std::chrono::system_clock::duration left);

}  // namespace regsync
