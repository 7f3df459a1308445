#include "sync/engine/footprint.hpp"

#include <nlohmann/json.hpp>

#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/bounded_json.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using nlohmann::json;

// A target may have been in a thousand namespaces of each of a thousand contexts. A tree of all of them would take a
// hundred times the memory of the text, so only one context is parsed at a time.
constexpr JsonBounds bounds{.bytes = 64UL * 1024 * 1024, .depth = 10, .values = 1'200'000};
constexpr JsonBounds context_bounds{};

// One line for each context.
std::string to_text(const Footprint& footprint) {
  std::string text = "{\n";
  const auto add = [&](const char* name, const json& value) {
    text += '"' + std::string(name) + "\": " + value.dump() + ",\n";
  };
  add("forgotten", footprint.forgotten);
  add("keeps", footprint.keeps);
  add("kept", footprint.kept);
  add("ownNamespaces", footprint.own_namespaces);
  text += "\"contexts\": {";
  const char* separator = "\n";
  for (const auto& [context, places] : footprint.contexts) {
    const std::string value = json_of(places).dump();
    end_of_value(value, 0, context_bounds);
    text.append(separator).append(json(context).dump()).append(": ").append(value);
    separator = ",\n";
  }
  text += "\n}}\n";
  end_of_value(text, 0, bounds);
  return text;
}

// An earlier version did not record own namespaces: if a target had a single place, that is it. (For a target that
// names its namespaces, the next remember() erases it again.)
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

void require_object(std::string_view text) {
  if (!text.starts_with('{')) {
    throw Error(ErrorCode::invalid_input, "is no object");
  }
}

std::map<std::string, Places> contexts_from(std::string_view text) {
  require_object(text);
  std::map<std::string, Places> contexts;
  for (const auto& [context, value] : members_of(text, bounds)) {
    contexts.insert_or_assign(context, places_from(parse_bounded(value, context_bounds)));
  }
  return contexts;
}

// Throws for anything that to_text() never produces: a misread footprint could delete Secrets.
Footprint from_text(std::string_view text) {
  text = trim(text);
  require_object(text);
  end_of_value(text, 0, bounds);
  if (!json::accept(text)) {
    throw Error(ErrorCode::invalid_input, "is not JSON");
  }
  Footprint footprint;
  json document = json::object();
  for (const auto& [name, value] : members_of(text, bounds)) {
    if (name == "contexts") {
      footprint.contexts = contexts_from(value);
    }
    document[name] = name == "contexts" ? json() : parse_bounded(value, context_bounds);
  }
  static_cast<void>(document.at("contexts"));
  footprint.forgotten = document.at("forgotten").get<bool>();
  footprint.kept = document.value("kept", std::set<std::string>());
  footprint.keeps = document.value("keeps", footprint.forgotten && !footprint.kept.empty());  // older files lack it
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
    // Older files have "all", which could also mean many plain names; "any namespace" is the safe interpretation.
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
  std::erase_if(footprint.pinned, [&](const auto& context) { return unknown(context.first); });
  if (const auto problem = unreadable_.find(target); problem != unreadable_.end()) {
    if (is_still_unreadable(target)) {
      throw Error(problem->second);
    }
    unreadable_.erase(problem);  // the user removed it
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
    const auto failure = guarded([&] { footprints_[target] = from_text(read_file(entry.path(), bounds.bytes)); });
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
    sync_folder(folder_);
  } else {
    std::string text;
    try {
      text = to_text(footprint);
    } catch (const Error& error) {  // it would be too large to read back
      throw Error(ErrorCode::invalid_input,
                  "target " + target + " is in more places than can be remembered: its footprint " + error.message(),
                  "name fewer places in it, or choose them by a pattern or a selector");
    }
    write_whole(path_of(target), text);
  }
}

bool FootprintStore::is_still_unreadable(const std::string& target) const {
  std::error_code ignored;
  return std::filesystem::exists(path_of(target), ignored);
}

}  // namespace regsync
