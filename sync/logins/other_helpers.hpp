// Finds the registries whose logins come from a credential helper other than ours: `credHelpers` of Docker's
// config.json, and of config.yaml, whose registries may be patterns ("*.dkr.ecr.*.amazonaws.com").
#pragma once

#include <map>
#include <optional>
#include <string>

#include "helper/store/registry_key.hpp"
#include "sync/config/settings.hpp"

namespace regsync {

// By registry or pattern: the helper's name ("ecr-login" is docker-credential-ecr-login).
using HelperNames = std::map<std::string, std::string>;

// The helpers from both files; if both name a registry, the settings win. A helper that keeps its logins in the keyring
// (is_keyring_helper) means the keyring, like our own: its name is "regsync" here, or missing. Throws
// Error(invalid_input) like DockerConfigFile.
HelperNames other_helpers(const Settings& settings);

struct OtherHelper {
  std::string name;
  std::string server;  // what it is asked for, without an account
};

// A registry's own entry takes precedence over patterns, and the longest pattern over others. An entry is for one
// account, or for none: "work@*.pkg.dev" and "*.pkg.dev" are unrelated. Nothing if our own helper, by the name
// "regsync", or no helper is meant. Pure.
std::optional<OtherHelper> helper_for(const HelperNames& helpers, const RegistryKey& registry);

}  // namespace regsync
