#include "sync/engine/footprint.hpp"

#include <nlohmann/json.hpp>

#include "helper/base/file_io.hpp"
#include "sync/base/bounded_json.hpp"
#include "sync/base/guard.hpp"
#include "sync/base/log.hpp"

namespace regsync {

namespace {

using nlohmann::json;

// A target may have been in a million namespaces.
constexpr JsonBounds bounds{.bytes = 64UL * 1024 * 1024, .depth = 10, .values = 5'000'000};

json to_json(const Footprint& footprint) {
  json contexts = json::object();
  for (const auto& [context, places] : footprint.contexts) {
    contexts[context] = json_of(places);
  }
  return {{"forgotten", footprint.forgotten},
          {"keeps", footprint.keeps},
          {"kept", footprint.kept},
          {"ownNamespaces", footprint.own_namespaces},
          {"contexts", std::move(contexts)}};
}

// A version that did not keep own namespaces wrote it: where a target had one place, that is the one. (Of a target that
// names its namespaces, the next remember() forgets it again.)
std::map<std::string, std::string> only_namespaces(const Footprint& footprint) {
  std::map<std::string, std::string> only;
  for (const auto& [context, places] : footprint.contexts) {
    if (places.secrets.size() == 1) {
      const Scope& scope = places.secrets.begin()->second;
      if (!scope.any && scope.namespaces.size() == 1) {
        only.emplace(context, *scope.namespaces.begin());
      }
    }
  }
  return only;
}

// Throws json::exception for what json_of would never make: a footprint that is misread may delete.
Footprint from_json(const json& document) {
  Footprint footprint;
  footprint.forgotten = document.at("forgotten").get<bool>();
  footprint.kept = document.value("kept", std::set<std::string>());
  footprint.keeps = document.value("keeps", footprint.forgotten && !footprint.kept.empty());  // older files lack it
  for (const auto& [context, value] : document.at("contexts").items()) {
    footprint.contexts[context] = places_from(value);
  }
  footprint.own_namespaces = document.contains("ownNamespaces")
                                 ? document.at("ownNamespaces").get<std::map<std::string, std::string>>()
                                 : only_namespaces(footprint);
  return footprint;
}

}  // namespace

json json_of(const Places& places) {
  json secrets = json::object();
  for (const auto& [secret, scope] : places.secrets) {
    secrets[secret] = {{"any", scope.any}, {"namespaces", scope.namespaces}};
  }
  return {{"secrets", std::move(secrets)}, {"serviceAccounts", places.service_accounts}};
}

Places places_from(const json& value) {
  Places places;
  for (const auto& [secret, scope] : value.at("secrets").items()) {
    // Older files say "all", which could mean many plain names too; "any namespace" is the safe reading of it.
    const bool any = scope.contains("any") ? scope.at("any").get<bool>() : scope.at("all").get<bool>();
    places.secrets[secret] = {any, scope.at("namespaces").get<std::set<std::string>>()};
  }
  places.service_accounts = value.at("serviceAccounts").get<std::set<std::string>>();
  return places;
}

Error unreadable_footprint(const std::string& where) {
  return {ErrorCode::invalid_input, where + " is not a footprint that regsync wrote",
          "restore it, or remove it; then Secrets of the target that it does not cover any more stay"};
}

const Footprint* Footprints::find(const std::string& target) const {
  const auto known = footprints_.find(target);
  return known == footprints_.end() ? nullptr : &known->second;
}

void Footprints::set(const std::string& target, Footprint footprint) {
  const auto unknown = [&](const std::string& context) { return !footprint.contexts.contains(context); };
  std::erase_if(footprint.contexts, [](const auto& context) { return context.second.empty(); });
  std::erase_if(footprint.kept, unknown);
  std::erase_if(footprint.own_namespaces, [&](const auto& context) { return unknown(context.first); });
  if (const auto problem = unreadable_.find(target); problem != unreadable_.end()) {
    if (is_still_unreadable(target)) {
      throw Error(problem->second);
    }
    unreadable_.erase(problem);  // the person removed it
  }
  const Footprint* known = find(target);
  if (known == nullptr ? footprint.contexts.empty() : *known == footprint) {
    return;
  }
  keep(target, footprint);
  replace(target, std::move(footprint));
}

void Footprints::replace(const std::string& target, Footprint footprint) {
  if (footprint.contexts.empty()) {
    footprints_.erase(target);
  } else {
    footprints_[target] = std::move(footprint);
  }
}

FootprintStore::FootprintStore(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder_, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(ErrorCode::invalid_input, folder_.string() + " cannot be read: " + error.message(),
                "make it a folder that you may read; it says where Secrets of regsync are");
  }
  for (const auto& entry : entries) {
    if (entry.path().extension() != ".json" || entry.path().filename().string().front() == '.') {
      continue;
    }
    const std::string target = entry.path().stem().string();
    const auto failure =
        guarded([&] { footprints_[target] = from_json(parse_bounded(read_file(entry.path(), bounds.bytes), bounds)); });
    if (failure) {
      footprints_.erase(target);
      const Error problem = unreadable_footprint(entry.path().string());
      log::warning(describe(problem), {.target = target});
      unreadable_.emplace(target, problem);
    }
  }
}

std::filesystem::path FootprintStore::path_of(const std::string& target) const { return folder_ / (target + ".json"); }

void FootprintStore::keep(const std::string& target, const Footprint& footprint) {
  if (footprint.contexts.empty()) {
    std::error_code gone_is_fine;
    std::filesystem::remove(path_of(target), gone_is_fine);
  } else {
    write_whole(path_of(target), to_json(footprint).dump(2) + "\n");
  }
}

bool FootprintStore::is_still_unreadable(const std::string& target) const {
  std::error_code ignored;
  return std::filesystem::exists(path_of(target), ignored);
}

}  // namespace regsync
