#include "sync/logins/other_helpers.hpp"

#include "sync/logins/docker_config_file.hpp"
#include "sync/model/target.hpp"

namespace regsync {

HelperNames other_helpers(const Settings& settings) {
  HelperNames helpers = DockerConfigFile(default_docker_config()).foreign_helpers();
  std::erase_if(helpers, [](const auto& entry) { return is_keyring_helper(entry.second); });
  for (const auto& [registry, name] : settings.cred_helpers) {
    helpers.insert_or_assign(registry, is_keyring_helper(name) ? our_helper : name);
  }
  return helpers;
}

namespace {

bool matches(const std::string& key, const RegistryKey& registry) {
  const RegistryKey pattern(key);
  if (pattern.account().empty() && key.find('@') != std::string::npos) {
    return false;  // a pattern of accounts; accounts must be named exactly
  }
  return pattern.account() == registry.account() && registry.path().empty() &&
         glob_match(std::string(pattern.registry()), std::string(registry.registry()));
}

// As spelled in credHelpers, which is what the helper knows; without the account, which no helper knows.
std::string asked_for(const std::string& key) {
  const RegistryKey registry(key);
  return registry.account().empty() ? key : std::string(registry.registry());
}

}  // namespace

std::optional<OtherHelper> helper_for(const HelperNames& helpers, const RegistryKey& registry) {
  const HelperNames::value_type* found = nullptr;
  bool by_pattern = false;
  for (const auto& entry : helpers) {
    const std::string& key = entry.first;
    if (!is_glob(key)) {
      if (RegistryKey(key) == registry && (found == nullptr || by_pattern)) {
        found = &entry;
        by_pattern = false;
      }
    } else if (matches(key, registry) && (found == nullptr || (by_pattern && key.size() > found->first.size()))) {
      found = &entry;
      by_pattern = true;
    }
  }
  if (found == nullptr || found->second == our_helper) {
    return std::nullopt;
  }
  return OtherHelper{found->second, by_pattern ? std::string(registry.registry()) : asked_for(found->first)};
}

}  // namespace regsync
