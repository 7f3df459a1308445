#include "sync/model/secret_object.hpp"

#include <simdjson.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/field_manager.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/resource_version.hpp"

namespace regsync {

namespace {

using nlohmann::json;
namespace dom = simdjson::dom;

// The maximum nesting depth of a Secret's JSON. managedFields are the deepest part, with about ten levels; simdjson
// reserves space for each level, which must be wiped after each Secret.
constexpr std::size_t deepest_secret = 64;

using regsync::find_at;
using regsync::flag_at;
using regsync::list_at;
using regsync::text_at;

// The accessors of json_access.hpp for an object that is not parsed into a tree.

std::optional<dom::element> find_at(dom::element object, JsonPath path) {
  for (const auto key : path) {
    if (object.at_key(key).get(object) != simdjson::SUCCESS) {
      return std::nullopt;
    }
  }
  return object;
}

std::string_view text_at(dom::element object, JsonPath path) {
  const auto found = find_at(object, path);
  std::string_view text;
  return found && found->get(text) == simdjson::SUCCESS ? text : std::string_view();
}

bool flag_at(dom::element object, JsonPath path) {
  const auto found = find_at(object, path);
  bool flag = false;
  return found && found->get(flag) == simdjson::SUCCESS && flag;
}

std::vector<dom::element> list_at(dom::element object, JsonPath path) {
  const auto found = find_at(object, path);
  dom::array items;
  if (!found || found->get(items) != simdjson::SUCCESS) {
    return {};
  }
  return {items.begin(), items.end()};
}

std::string_view id_of(std::string_view annotation) { return annotation.substr(0, annotation.find(' ')); }

std::string_view label_of(std::string_view annotation) {
  const auto space = annotation.find(' ');
  return space == std::string_view::npos ? annotation : annotation.substr(space + 1);
}

// The manager of the data, according to managedFields.
template <typename Object>
std::string_view data_manager(const Object& secret) {
  for (const auto& entry : list_at(secret, {"metadata", "managedFields"})) {
    if (find_at(entry, {"fieldsV1", "f:data"})) {
      return text_at(entry, {"manager"});
    }
  }
  return {};
}

struct Marks {
  bool labelled;  // has our managed-by label
  bool owned;     // has the annotations of a target and an owner
  bool by_us;     // the owner is this one
  bool placed;    // has a place annotation
  bool in_place;  // the place is its own
};

Ownership ownership_of(const Marks& marks) {
  if (!marks.owned) {
    return Ownership::unmanaged;
  }
  if (!marks.labelled) {
    return marks.by_us && marks.in_place ? Ownership::relabelled : Ownership::unmanaged;
  }
  if (marks.placed && !marks.in_place) {
    return Ownership::copy;
  }
  if (!marks.by_us) {
    return Ownership::other_owner;
  }
  return marks.placed ? Ownership::ours : Ownership::unplaced;
}

// The part that is kept of a text that anybody may have written: no Kubernetes name is longer.
std::string beginning(std::string_view text) {
  constexpr std::size_t enough = 512;
  return std::string(prefix_of(text, enough));
}

template <typename Object>
std::string finalizers_of(const Object& secret) {
  std::vector<std::string> names;
  for (const auto& item : list_at(secret, {"metadata", "finalizers"})) {
    if (const auto name = text_at(item, {}); !name.empty()) {
      names.push_back(presentable(beginning(name)));
    }
  }
  return join(names, ", ", 3);
}

template <typename Object>
ReadSecret read(const Object& secret, std::string_view owner_id) {
  ReadSecret result;
  SecretView& view = result.view;
  const auto version = text_at(secret, {"metadata", "resourceVersion"});
  result.version = version_number(version);
  if (result.version == 0) {
    view.odd_version = beginning(version);
  }
  view.target = beginning(text_at(secret, {"metadata", "annotations", target_annotation}));
  view.digest = digest_of(text_at(secret, {"data", ".dockerconfigjson"}));
  view.right_type = text_at(secret, {"type"}) == pull_secret_type;
  view.immutable = flag_at(secret, {"immutable"});
  view.terminating = !text_at(secret, {"metadata", "deletionTimestamp"}).empty();
  view.finalizers = view.terminating ? finalizers_of(secret) : "";
  const auto owner = text_at(secret, {"metadata", "annotations", owner_annotation});
  const auto place = text_at(secret, {"metadata", "annotations", place_annotation});
  const auto label = text_at(secret, {"metadata", "labels", managed_by_label});
  const bool in_place =
      is_in_its_place(place, text_at(secret, {"metadata", "namespace"}), text_at(secret, {"metadata", "name"}));
  view.labelled = label == managed_by_value;
  view.ownership = ownership_of({.labelled = view.labelled,
                                 .owned = !view.target.empty() && !owner.empty(),
                                 .by_us = id_of(owner) == owner_id,
                                 .placed = !place.empty(),
                                 .in_place = in_place});
  if (view.ownership != Ownership::ours) {
    view.uid = beginning(text_at(secret, {"metadata", "uid"}));
  }
  switch (view.ownership) {
    case Ownership::copy:
      view.holder = beginning(place);
      break;
    case Ownership::relabelled:
      view.holder = beginning(label);
      break;
    case Ownership::ours:
    case Ownership::other_owner:
      view.holder = beginning(label_of(owner));
      break;
    case Ownership::unplaced:
    case Ownership::unmanaged:
      view.holder = beginning(data_manager(secret));
      break;
  }
  return result;
}

}  // namespace

bool is_unmarked(const SecretView& secret) {
  return secret.ownership == Ownership::unmanaged && secret.holder == field_manager;
}

bool is_adopted(Adoption adoption, const SecretView& secret, std::string_view holder) {
  switch (adoption) {
    case Adoption::none:
      return false;
    case Adoption::lost:
      return is_lost(secret, holder);
    case Adoption::all:
      return secret.ownership != Ownership::ours;
  }
  return false;
}

SecretView view_secret(const json& secret, std::string_view owner_id) { return read(secret, owner_id).view; }

ReadSecret read_secret(std::string_view text, std::string_view owner_id) {
  dom::parser parser;  // not reused: it retains what it has read
  dom::element secret;
  if (parser.allocate(text.size(), deepest_secret) != simdjson::SUCCESS ||
      parser.parse(text.data(), text.size()).get(secret) != simdjson::SUCCESS || !secret.is_object()) {
    throw Error(ErrorCode::protocol, "what should be a Secret is not a JSON object",
                "check that `server` in the kubeconfig is an API server and not something before it");
  }
  return read(secret, owner_id);
}

std::string resource_version_of(const json& secret) {
  return std::string(text_at(secret, {"metadata", "resourceVersion"}));
}

// Assembled by hand because it runs for thousands of Secrets: a JSON tree costs ten times as much.
std::string make_apply_body(const ApplyBody& body) {
  // dump() writes raw UTF-8 and never "\/": an apply is parsed as YAML, which supports neither "\/" nor surrogate
  // pairs.
  const auto quoted = [](std::string_view text) {
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
    return plain ? '"' + std::string(text) + '"' : json(text).dump();
  };
  std::string text;
  text.reserve(512 + body.payload_base64.size());
  text.append(R"({"apiVersion":"v1","kind":"Secret","type":")").append(pull_secret_type);
  text.append(R"(","metadata":{"name":)").append(quoted(body.name));
  text.append(R"(,"resourceVersion":)").append(quoted(body.resource_version));
  text.append(R"(,"labels":{")").append(managed_by_label).append(R"(":")").append(managed_by_value);
  text.append(R"("},"annotations":{")").append(target_annotation).append(R"(":)").append(quoted(body.target));
  text.append(R"(,")").append(owner_annotation).append(R"(":)").append(quoted(body.owner));
  text.append(R"(,")").append(place_annotation).append(R"(":)").append(quoted(place_of(body.name_space, body.name)));
  text.append(R"(}},"data":{".dockerconfigjson":")").append(body.payload_base64).append(R"("}})");
  return text;
}

std::string make_release_patch(std::string_view resource_version, bool placed) {
  const auto pointer = [](std::string_view map, std::string_view key) {
    std::string path = "/metadata/" + std::string(map) + "/";
    for (const char c : key) {
      path += c == '/' ? "~1" : std::string(1, c);
    }
    return path;
  };
  json patch = {{{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", resource_version}},
                {{"op", "remove"}, {"path", pointer("labels", managed_by_label)}},
                {{"op", "remove"}, {"path", pointer("annotations", target_annotation)}},
                {{"op", "remove"}, {"path", pointer("annotations", owner_annotation)}}};
  if (placed) {
    patch.push_back({{"op", "remove"}, {"path", pointer("annotations", place_annotation)}});
  }
  return patch.dump();
}

std::string place_of(std::string_view name_space, std::string_view name) {
  return std::string(name_space).append("/").append(name);
}

bool is_in_its_place(std::string_view place, std::string_view name_space, std::string_view name) {
  return place.size() == name_space.size() + 1 + name.size() && place.starts_with(name_space) &&
         place[name_space.size()] == '/' && place.ends_with(name);
}

}  // namespace regsync
