#include "sync/cli/view/manifest.hpp"

#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr const char* payload_key = ".dockerconfigjson";

// Decodes the values of "data" where that helps people: a pull secret's payload becomes JSON.
json decoded_data(const json& object) {
  json data = map_at(object, {"data"});
  if (const auto payload = data.find(payload_key); payload != data.end() && payload->is_string()) {
    const auto text = base64_decode(payload->get_ref<const std::string&>());
    if (auto decoded = text ? parse_json(*text) : std::nullopt; decoded && decoded->is_object()) {
      *payload = std::move(*decoded);
    }
  }
  return data;
}

// In an entry of "auths" (data, payload, auths, registry, field: the fourth level), names are public; every other value
// may be secret.
bool is_public(const std::string& key, int depth) { return depth == 4 && (key == "username" || key == "email"); }

// Masks `mine`, compared with the value of the other side at the same place (null: none).
json masked(const json& mine, const json& other, const std::string& key, int depth, const char* suffix) {
  if (mine.is_object()) {
    json result = json::object();
    for (const auto& [name, value] : mine.items()) {
      const json there = other.is_object() ? other.value(name, json()) : json();
      result[name] = masked(value, there, name, depth + 1, suffix);
    }
    return result;
  }
  if (is_public(key, depth)) {
    return mine;
  }
  return other.is_null() || other == mine ? std::string("***") : std::string("*** ") + suffix;
}

// Keeps only labels and annotations that regsync writes. Others may hold anything: kubectl stores a copy of the object,
// with the payload, in kubectl.kubernetes.io/last-applied-configuration.
json owned(const json& metadata, const char* field, std::initializer_list<std::string_view> names) {
  json kept = json::object();
  for (const std::string_view name : names) {
    if (const json* value = find_at(metadata, {field, name})) {
      kept[std::string(name)] = *value;
    }
  }
  return kept;
}

json shown(const json& object, const json& data, const json& other_data, const char* suffix) {
  if (!object.is_object()) {
    return {};
  }
  json result = json::object();
  for (const char* field : {"apiVersion", "kind", "type", "immutable"}) {
    if (object.contains(field)) {
      result[field] = object[field];
    }
  }
  const json& metadata = map_at(object, {"metadata"});
  for (const char* field : {"name", "namespace"}) {
    if (metadata.contains(field)) {
      result["metadata"][field] = metadata[field];
    }
  }
  json labels = owned(metadata, "labels", {managed_by_label});
  if (!labels.empty()) {
    result["metadata"]["labels"] = std::move(labels);
  }
  json annotations = owned(metadata, "annotations", {target_annotation, owner_annotation, place_annotation});
  if (!annotations.empty()) {
    result["metadata"]["annotations"] = std::move(annotations);
  }
  result["data"] = masked(data, other_data, "", 0, suffix);
  return result;
}

}  // namespace

json make_manifest(const Plan& plan, const std::string& owner, std::string_view payload_base64) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"type", pull_secret_type},
          {"metadata",
           {{"name", plan.target.secret},
            {"labels", {{managed_by_label, managed_by_value}}},
            {"annotations", {{target_annotation, plan.target.name}, {owner_annotation, owner}}}}},
          {"data", {{payload_key, payload_base64}}}};
}

bool carries_old_copy(const json& secret) {
  const std::string_view copy =
      text_at(secret, {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"});
  return copy.find(payload_key) != std::string_view::npos;
}

std::pair<json, json> mask(const json& before, const json& after) {
  const json data_before = decoded_data(before);
  const json data_after = decoded_data(after);
  return {shown(before, data_before, after.is_null() ? json() : data_after, "(before)"),
          shown(after, data_after, before.is_null() ? json() : data_before, "(after)")};
}

}  // namespace regsync::cli
