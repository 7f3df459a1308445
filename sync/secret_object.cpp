#include "sync/secret_object.hpp"

#include <nlohmann/json.hpp>

#include "sync/resource_version.hpp"

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

std::string_view label_of(std::string_view annotation) {
  const auto space = annotation.find(' ');
  return space == std::string_view::npos ? annotation : annotation.substr(space + 1);
}

// Who wrote the data, as the API server keeps it in managedFields.
std::string_view data_manager(const json& secret) {
  const auto metadata = secret.find("metadata");
  const auto managed = metadata == secret.end() ? secret.end() : metadata->find("managedFields");
  if (metadata == secret.end() || managed == metadata->end()) {
    return {};
  }
  for (const auto& entry : *managed) {
    const auto fields = entry.find("fieldsV1");
    if (fields != entry.end() && fields->contains("f:data")) {
      return text_at(entry, {"manager"});
    }
  }
  return {};
}

}  // namespace

SecretView view_secret(const json& secret, std::string_view owner_id) {
  SecretView view;
  if (auto version = resource_version_of(secret); version_number(version) == 0) {
    view.odd_version = std::move(version);
  }
  view.target = text_at(secret, {"metadata", "annotations", target_annotation});
  view.digest = digest_of(text_at(secret, {"data", ".dockerconfigjson"}));
  view.right_type = text_at(secret, {"type"}) == pull_secret_type;
  view.immutable = secret.is_object() && secret.value("immutable", false);
  const auto annotation = text_at(secret, {"metadata", "annotations", owner_annotation});
  if (text_at(secret, {"metadata", "labels", managed_by_label}) == managed_by_value && !view.target.empty()) {
    const auto owner = id_of(annotation);
    view.ownership = owner.empty()       ? Ownership::unmanaged
                     : owner == owner_id ? Ownership::ours
                                         : Ownership::other_owner;
  }
  if (view.ownership == Ownership::other_owner) {
    view.holder = label_of(annotation);
  } else if (view.ownership == Ownership::unmanaged && secret.is_object()) {
    view.holder = data_manager(secret);
  }
  return view;
}

std::string resource_version_of(const json& secret) {
  return std::string(text_at(secret, {"metadata", "resourceVersion"}));
}

// Put together by hand, as it is for each of thousands of Secrets: a tree of JSON costs ten times as much.
std::string make_apply_body(const ApplyBody& body) {
  // dump() writes raw UTF-8 and never "\/": an apply is parsed as YAML, which knows neither "\/" nor surrogate pairs.
  const auto quoted = [](std::string_view text) { return json(text).dump(); };
  std::string text;
  text.reserve(512 + body.payload_base64.size());
  text.append(R"({"apiVersion":"v1","kind":"Secret","type":")").append(pull_secret_type);
  text.append(R"(","metadata":{"name":)").append(quoted(body.name));
  text.append(R"(,"resourceVersion":)").append(quoted(body.resource_version));
  text.append(R"(,"labels":{")").append(managed_by_label).append(R"(":")").append(managed_by_value);
  text.append(R"("},"annotations":{")").append(target_annotation).append(R"(":)").append(quoted(body.target));
  text.append(R"(,")").append(owner_annotation).append(R"(":)").append(quoted(body.owner));
  text.append(R"(}},"data":{".dockerconfigjson":")").append(body.payload_base64).append(R"("}})");
  return text;
}

std::string make_release_patch(std::string_view resource_version) {
  const auto pointer = [](std::string_view map, std::string_view key) {
    std::string path = "/metadata/" + std::string(map) + "/";
    for (const char c : key) {
      path += c == '/' ? "~1" : std::string(1, c);
    }
    return path;
  };
  const json patch = {{{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", resource_version}},
                      {{"op", "remove"}, {"path", pointer("labels", managed_by_label)}},
                      {{"op", "remove"}, {"path", pointer("annotations", target_annotation)}},
                      {{"op", "remove"}, {"path", pointer("annotations", owner_annotation)}}};
  return patch.dump();
}

}  // namespace regsync
