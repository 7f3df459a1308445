// Registries whose logins come from another credential helper than ours: `credHelpers` of Docker's config.json, and
// that of config.yaml, whose registries may be patterns ("*.dkr.ecr.*.amazonaws.com").
#pragma once

#include <map>
#include <optional>
#include <string>

#include "helper/store/registry_key.hpp"
#include "sync/config/settings.hpp"

namespace regsync {

// By registry or pattern: the helper's name ("ecr-login" is docker-credential-ecr-login).
using HelperNames = std::map<std::string, std::string>;

// Of both files; where both name a registry, the settings count. A helper that keeps its logins in the keyring
// (is_keyring_helper) means the keyring, as our own does: its name is "regsync" here, or missing. Throws
// Error(invalid_input) as DockerConfigFile does.
HelperNames other_helpers(const Settings& settings);

struct OtherHelper {
  std::string name;
  std::string server;  // what it is asked for, without an account
};

// A registry's own entry comes before patterns, and of those the longest one counts. An entry is for one account, or
// for none: "work@*.pkg.dev" and "*.pkg.dev" have nothing in common. Nothing where our own helper, by the name
// "regsync", or none is meant. Pure.
std::optional<OtherHelper> helper_for(const HelperNames& helpers, const RegistryKey& registry);

}  // namespace regsync
