#include "sync/cli/ask/plans.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/base64.hpp"

namespace regsync::cli {

std::vector<std::shared_ptr<const Plan>> make_plans(Console& console, const std::vector<Target>& targets) {
  std::set<RegistryKey> wanted;
  for (const Target& target : targets) {
    wanted.merge(wanted_registries(target));
  }
  StoreReading reading =
      console.open_store(console.in_is_terminal ? Prompt::allowed : Prompt::never)->load(wanted);

  if (reading.problem) {
    throw Error(*reading.problem);
  }

  KnownLogins known;
  known.asked = std::move(reading.asked);
  known.problems = std::move(reading.problems);
  for (Credential& credential : reading.credentials) {
    const RegistryKey key(credential.login.server);
    known.credentials.emplace(key, std::make_shared<const Credential>(std::move(credential)));
  }
  std::vector<std::shared_ptr<const Plan>> plans;
  plans.reserve(targets.size());
  for (const Target& target : targets) {
    plans.push_back(std::make_shared<const Plan>(make_plan(target, known)));
  }
  return plans;
}

Payload payload_for(const Plan& plan, const nlohmann::json& secret) {
  PullEntries entries;
  if (const auto data = secret.find("data"); secret.is_object() && data != secret.end() && data->is_object()) {
    const auto present = base64_decode(data->value(".dockerconfigjson", std::string()));
    for (auto& [registry, entry] : parse_docker_config_json(present.value_or(""))) {
      if (plan.carried_over.contains(registry)) {
        entries[registry] = std::move(entry);
      }
    }
  }
  for (const auto& [registry, credential] : plan.entries) {
    entries[registry] = {credential->login.username, credential->secret.clone(), plan.target.email};
  }
  return Payload(entries);
}

}  // namespace regsync::cli
