#include "sync/engine/footprint.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "helper/base/error.hpp"
#include "sync/base/log.hpp"
#include "sync/base/paths.hpp"

namespace regsync {

namespace {

using nlohmann::json;

json to_json(const Footprint& footprint) {
  json contexts = json::object();
  for (const auto& [context, places] : footprint.contexts) {
    json secrets = json::object();
    for (const auto& [secret, scope] : places.secrets) {
      secrets[secret] = {{"all", scope.all}, {"namespaces", scope.namespaces}};
    }
    contexts[context] = {{"secrets", std::move(secrets)}, {"serviceAccounts", places.service_accounts}};
  }
  return {{"forgotten", footprint.forgotten}, {"kept", footprint.kept}, {"contexts", std::move(contexts)}};
}

Footprint from_json(const json& document) {
  Footprint footprint;
  footprint.forgotten = document.at("forgotten").get<bool>();
  footprint.kept = document.value("kept", std::set<std::string>());
  for (const auto& [context, value] : document.at("contexts").items()) {
    Places& places = footprint.contexts[context];
    for (const auto& [secret, scope] : value.at("secrets").items()) {
      places.secrets[secret] = {scope.at("all").get<bool>(), scope.at("namespaces").get<std::set<std::string>>()};
    }
    places.service_accounts = value.at("serviceAccounts").get<std::set<std::string>>();
  }
  return footprint;
}

}  // namespace

FootprintStore::FootprintStore(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() != ".json") {
      continue;
    }
    try {
      std::ifstream file(entry.path());
      footprints_[entry.path().stem().string()] = from_json(json::parse(file));
    } catch (const json::exception&) {
      log::warning(entry.path().string() + " cannot be read, so Secrets of that target may be left behind; " +
                   "delete the file when you have looked");
    }
  }
}

void FootprintStore::set(const std::string& target, Footprint footprint) {
  std::erase_if(footprint.contexts, [](const auto& context) { return context.second.empty(); });
  std::erase_if(footprint.kept, [&](const auto& context) { return !footprint.contexts.contains(context); });
  const auto known = footprints_.find(target);
  const auto path = folder_ / (target + ".json");
  if (footprint.contexts.empty()) {
    if (known != footprints_.end()) {
      footprints_.erase(known);
      std::error_code gone_is_fine;
      std::filesystem::remove(path, gone_is_fine);
    }
    return;
  }
  if (known != footprints_.end() && known->second == footprint) {
    return;
  }
  paths::write_whole(path, to_json(footprint).dump(2) + "\n");
  footprints_[target] = std::move(footprint);
}

}  // namespace regsync
