#include "sync/secret_object.hpp"

#include <nlohmann/json.hpp>

namespace regsync {

namespace {

using nlohmann::json;

std::string_view text_at(const json& object, std::initializer_list<std::string_view> path) {
  const json* at = &object;
  for (const auto key : path) {
    if (!at->is_object()) {
      return {};
    }
    const auto it = at->find(key);
    if (it == at->end()) {
      return {};
    }
    at = &*it;
  }
  return at->is_string() ? std::string_view(at->get_ref<const std::string&>()) : std::string_view();
}

std::string_view id_of(std::string_view annotation) { return annotation.substr(0, annotation.find(' ')); }

}  // namespace

SecretView view_secret(const json& secret, std::string_view owner_id) {
  SecretView view;
  view.resource_version = text_at(secret, {"metadata", "resourceVersion"});
  view.target = text_at(secret, {"metadata", "annotations", target_annotation});
  view.digest = digest_of(text_at(secret, {"data", ".dockerconfigjson"}));
  view.right_type = text_at(secret, {"type"}) == pull_secret_type;
  view.immutable = secret.is_object() && secret.value("immutable", false);
  if (text_at(secret, {"metadata", "labels", managed_by_label}) == managed_by_value && !view.target.empty()) {
    const auto owner = id_of(text_at(secret, {"metadata", "annotations", owner_annotation}));
    view.ownership = owner.empty()       ? Ownership::unmanaged
                     : owner == owner_id ? Ownership::ours
                                         : Ownership::other_owner;
  }
  return view;
}

std::string_view owner_label(std::string_view annotation) {
  const auto space = annotation.find(' ');
  return space == std::string_view::npos ? annotation : annotation.substr(space + 1);
}

std::string owner_of(const json& secret) {
  const auto owner = text_at(secret, {"metadata", "annotations", owner_annotation});
  if (!owner.empty()) {
    return std::string(owner_label(owner));
  }
  const auto managed =
      secret.contains("metadata") ? secret["metadata"].value("managedFields", json::array()) : json::array();
  for (const auto& entry : managed) {
    if (entry.is_object() && entry.contains("fieldsV1") && entry["fieldsV1"].contains("f:data")) {
      return std::string(text_at(entry, {"manager"}));
    }
  }
  return {};
}

std::string make_apply_body(const ApplyBody& body) {
  // dump() writes raw UTF-8 and never "\/": an apply is parsed as YAML, which knows neither "\/" nor surrogate pairs.
  json metadata{{"name", body.name},
                {"resourceVersion", body.resource_version},
                {"labels", {{managed_by_label, managed_by_value}}},
                {"annotations", {{target_annotation, body.target}, {owner_annotation, body.owner}}}};
  const json object{{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"type", pull_secret_type},
                    {"metadata", std::move(metadata)},
                    {"data", {{".dockerconfigjson", body.payload_base64}}}};
  return object.dump();
}

}  // namespace regsync
