#include "tests/support/fake_cluster.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <sstream>
#include <utility>

namespace regsync::test {
namespace {

using nlohmann::json;

constexpr std::size_t longest_history = 100'000;
constexpr std::size_t largest_secret = std::size_t{1} << 20;

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// Splits at commas outside of parentheses.
std::vector<std::string> requirements(const std::string& selector) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (const char c : selector) {
    depth += c == '(' ? 1 : 0;
    depth -= c == ')' ? 1 : 0;
    if (c == ',' && depth == 0) {
      parts.push_back(trimmed(std::exchange(part, {})));
    } else {
      part += c;
    }
  }
  if (!trimmed(part).empty()) {
    parts.push_back(trimmed(part));
  }
  return parts;
}

bool meets(const std::string& requirement, const json& labels) {
  const auto label = [&](const std::string& key) -> std::optional<std::string> {
    return labels.contains(key) ? std::optional(labels.at(key).get<std::string>()) : std::nullopt;
  };
  for (const auto& [word, wanted] : {std::pair{std::string(" notin "), false}, std::pair{std::string(" in "), true}}) {
    const auto at = requirement.find(word);
    if (at != std::string::npos) {
      const auto value = label(trimmed(requirement.substr(0, at)));
      const auto open = requirement.find('(');
      const auto choices = requirements(requirement.substr(open + 1, requirement.rfind(')') - open - 1));
      const bool found = value && std::find(choices.begin(), choices.end(), *value) != choices.end();
      return found == wanted;
    }
  }
  const auto unequal = requirement.find("!=");
  if (unequal != std::string::npos) {
    return label(trimmed(requirement.substr(0, unequal))) != trimmed(requirement.substr(unequal + 2));
  }
  const auto equal = requirement.find('=');
  if (equal != std::string::npos) {
    const auto value = requirement.substr(requirement.find_last_of('=') + 1);
    return label(trimmed(requirement.substr(0, equal))) == trimmed(value);
  }
  return requirement.starts_with('!') ? !label(requirement.substr(1)) : label(requirement).has_value();
}

json at_or(const json& object, const char* key, const json& otherwise) {
  return object.is_object() && object.contains(key) ? object.at(key) : otherwise;
}

std::string text_at(const json& object, const char* key) {
  const json value = at_or(object, key, "");
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_map_of_fields(const FieldPath& path) {
  static const std::array<FieldPath, 3> maps{FieldPath{"data"}, FieldPath{"metadata", "labels"},
                                             FieldPath{"metadata", "annotations"}};
  return std::find(maps.begin(), maps.end(), path) != maps.end();
}

// Returns the fields that a manager can own, with their values: each key of the maps, and everything else as a whole.
std::map<FieldPath, json> fields_of(const json& object) {
  std::map<FieldPath, json> fields;
  const auto add = [&](const FieldPath& path, const json& value) {
    if (is_map_of_fields(path) && value.is_object()) {
      for (const auto& [key, each] : value.items()) {
        FieldPath deeper = path;
        deeper.push_back(key);
        fields[std::move(deeper)] = each;
      }
    } else {
      fields[path] = value;
    }
  };
  for (const auto& [key, value] : object.items()) {
    if (key != "apiVersion" && key != "kind" && key != "metadata" && key != "status") {
      add({key}, value);
    }
  }
  const json metadata = at_or(object, "metadata", json::object());
  for (const auto& [key, value] : metadata.items()) {
    if (key == "labels" || key == "annotations" || key == "finalizers" || key == "ownerReferences") {
      add({"metadata", key}, value);
    }
  }
  return fields;
}

json& field(json& object, const FieldPath& path) {
  json* here = &object;
  for (const std::string& step : path) {
    here = &(*here)[step];
  }
  return *here;
}

void erase_field(json& object, const FieldPath& path) {
  json* here = &object;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    here = &(*here)[path[i]];
  }
  here->erase(path.back());
}

// ".data..dockerconfigjson", as conflict messages name a field.
std::string display(const FieldPath& path) {
  std::string text;
  for (const std::string& step : path) {
    text += "." + step;
  }
  return text;
}

json managed_fields(const std::map<FieldPath, std::set<std::string>>& owners,
                    const std::map<std::string, std::set<FieldPath>>& applied) {
  std::map<std::string, json> by_manager;
  for (const auto& [path, managers] : owners) {
    for (const std::string& manager : managers) {
      json* here = &by_manager[manager];
      for (const std::string& step : path) {
        here = &(*here)["f:" + step];
      }
      if (here->is_null()) {
        *here = json::object();
      }
    }
  }
  json list = json::array();
  for (const auto& [manager, fields] : by_manager) {
    list.push_back({{"manager", manager},
                    {"operation", applied.contains(manager) ? "Apply" : "Update"},
                    {"apiVersion", "v1"},
                    {"time", "2024-01-01T00:00:00Z"},
                    {"fieldsType", "FieldsV1"},
                    {"fieldsV1", fields}});
  }
  return list;
}

json cause(const char* reason, std::string message, std::string field) {
  return {{"reason", reason}, {"message", std::move(message)}, {"field", std::move(field)}};
}

std::string kind_of(const std::string& resource) {
  if (resource == "serviceaccounts") {
    return "ServiceAccount";
  }
  std::string kind = resource.ends_with('s') ? resource.substr(0, resource.size() - 1) : resource;
  kind.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(kind.front())));
  return kind;
}

json details_of(const FakeCluster::Key& key) { return {{"name", key.name}, {"kind", key.resource}}; }

Answer not_found(const FakeCluster::Key& key) {
  return status_answer(404, "NotFound", key.resource + " \"" + key.name + "\" not found", details_of(key));
}

Answer conflict(const FakeCluster::Key& key, const std::string& why) {
  return status_answer(409, "Conflict",
                       "Operation cannot be fulfilled on " + key.resource + " \"" + key.name + "\": " + why,
                       details_of(key));
}

Answer invalid(const FakeCluster::Key& key, const json& reason) {
  json details = details_of(key);
  details["causes"] = json::array({reason});
  return status_answer(422, "Invalid",
                       kind_of(key.resource) + " \"" + key.name + "\" is invalid: " + text_at(reason, "field") + ": " +
                           text_at(reason, "message"),
                       details);
}

bool is_base64(const std::string& text) {
  return text.size() % 4 == 0 && text.find_first_not_of(
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                     "+/=") == std::string::npos;
}

// Returns the error for an invalid apply, which is checked first, for any fieldValidation.
std::optional<Answer> schema_fault(const FakeCluster::Key& key, const json& object) {
  if (key.resource != "secrets") {
    return std::nullopt;
  }
  static const std::set<std::string> known{"apiVersion", "kind", "metadata", "type", "data", "stringData", "immutable"};
  for (const auto& [name, value] : object.items()) {
    if (!known.contains(name)) {
      return status_answer(500, "", "failed to create typed patch object: ." + name + ": field not declared in schema");
    }
  }
  return std::nullopt;
}

std::optional<Answer> secret_fault(const FakeCluster::Key& key, const json* before, const json& after) {
  if (key.resource != "secrets") {
    return std::nullopt;
  }
  std::size_t size = 0;
  const json data = at_or(after, "data", json::object());
  for (const auto& [name, value] : data.items()) {
    if (!value.is_string() || !is_base64(value.get<std::string>())) {
      return status_answer(
          500, "", "illegal base64 data at input byte 0, error found in #10 byte of ...|" + value.dump() + "|...");
    }
    size += value.get_ref<const std::string&>().size() / 4 * 3;
  }
  if (size > largest_secret) {
    return invalid(key, cause("FieldValueTooLong", "Too long: must have at most 1048576 bytes", "data"));
  }
  if (text_at(after, "type") == "kubernetes.io/dockerconfigjson" &&
      !at_or(after, "data", json::object()).contains(".dockerconfigjson")) {
    return invalid(key, cause("FieldValueRequired", "Required value", "data[.dockerconfigjson]"));
  }
  if (before == nullptr) {
    return std::nullopt;
  }
  if (text_at(*before, "type") != text_at(after, "type")) {
    return invalid(key, cause("FieldValueInvalid",
                              "Invalid value: \"" + text_at(after, "type") + "\": field is immutable", "type"));
  }
  if (at_or(*before, "immutable", false) == true) {
    if (at_or(after, "immutable", false) != true) {
      return invalid(
          key, cause("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "immutable"));
    }
    if (at_or(*before, "data", {}) != at_or(after, "data", {})) {
      return invalid(key,
                     cause("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "data"));
    }
  }
  return std::nullopt;
}

// Whether a finalizer keeps an object that is being deleted.
bool is_held(const json& metadata) { return !at_or(metadata, "finalizers", json::array()).empty(); }

// Whether the last finalizer of an object that is being deleted was removed.
bool is_let_go(const FakeCluster::Key& key, const json& object) {
  const json& metadata = object.at("metadata");
  return key.resource != "namespaces" && metadata.contains("deletionTimestamp") && !is_held(metadata);
}

}  // namespace

Answer status_answer(int code, std::string reason, std::string message, json details) {
  json body = {{"kind", "Status"},
               {"apiVersion", "v1"},
               {"metadata", json::object()},
               {"status", "Failure"},
               {"message", std::move(message)},
               {"reason", std::move(reason)},
               {"details", std::move(details)},
               {"code", code}};
  if (text_at(body, "reason").empty()) {
    body.erase("reason");
  }
  if (body["details"].is_null()) {
    body.erase("details");
  }
  return {code, std::move(body)};
}

bool Selection::includes(const json& object) const {
  const json& metadata = object.at("metadata");
  if (!name_space.empty() && text_at(metadata, "namespace") != name_space) {
    return false;
  }
  for (const std::string& requirement : requirements(field_selector)) {
    json fields = {{"metadata.name", text_at(metadata, "name")},
                   {"metadata.namespace", text_at(metadata, "namespace")},
                   {"type", text_at(object, "type")},
                   {"status.phase", text_at(at_or(object, "status", {}), "phase")},  // for a pod
                   {"reason", text_at(object, "reason")},                            // for an event, like the next one
                   {"involvedObject.uid", text_at(at_or(object, "involvedObject", {}), "uid")}};
    if (!meets(requirement, fields)) {
      return false;
    }
  }
  const json labels = at_or(metadata, "labels", json::object());
  const auto all = requirements(label_selector);
  return std::all_of(all.begin(), all.end(), [&](const std::string& each) { return meets(each, labels); });
}

std::optional<json> ClusterEvent::as_seen_by(const Selection& selection) const {
  if (resource != selection.resource) {
    return std::nullopt;
  }
  const bool was = before && selection.includes(*before);
  const bool is = after && selection.includes(*after);
  if (!was && !is) {
    return std::nullopt;
  }
  const char* type = !was ? "ADDED" : (is ? "MODIFIED" : "DELETED");
  json object = is ? *after : *before;
  object["metadata"]["resourceVersion"] = std::to_string(version);
  return json{{"type", type}, {"object", std::move(object)}};
}

FakeCluster::FakeCluster() {
  std::random_device random;
  uids_ = 100'000'000'000 + (std::uint64_t{random()} << 7U);
  const Write write{"kube-apiserver"};
  for (const char* name : {"default", "kube-system"}) {
    create({"namespaces", "", name}, json{{"metadata", {{"name", name}}}}, write);
  }
}

Answer FakeCluster::get(const Key& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? not_found(key) : Answer{200, found->second.object};
}

Answer FakeCluster::list(const Selection& selection, std::size_t limit, const std::string& continue_token) const {
  // The token contains the version of the list and the last returned object.
  std::uint64_t version = version_;
  Key after{selection.resource, "", ""};
  if (!continue_token.empty()) {
    std::istringstream parts(continue_token);
    parts >> version;
    parts.ignore(1);
    std::getline(parts, after.name_space, ' ');
    std::getline(parts, after.name);
    if (version + 1 < oldest_) {
      return status_answer(410, "Expired", "The provided continue parameter is too old to display a consistent list");
    }
  }
  json items = json::array();
  json metadata = {{"resourceVersion", std::to_string(version)}};
  for (auto entry = entries_.upper_bound(after); entry != entries_.end(); ++entry) {
    const Key& key = entry->first;
    if (key.resource != selection.resource) {
      break;
    }
    if (!selection.includes(entry->second.object)) {
      continue;
    }
    if (limit > 0 && items.size() == limit) {
      const json& last = items.back().at("metadata");
      metadata["continue"] = std::to_string(version) + " " + text_at(last, "namespace") + " " + text_at(last, "name");
      break;
    }
    items.push_back(entry->second.object);
  }
  return {200,
          {{"kind", kind_of(selection.resource) + "List"},
           {"apiVersion", "v1"},
           {"metadata", std::move(metadata)},
           {"items", std::move(items)}}};
}

std::optional<Answer> FakeCluster::namespace_fault(const Key& key, bool making) const {
  if (key.resource == "namespaces") {
    return std::nullopt;
  }
  const auto found = entries_.find({"namespaces", "", key.name_space});
  if (found == entries_.end()) {
    return not_found({"namespaces", "", key.name_space});
  }
  if (making && text_at(at_or(found->second.object, "status", {}), "phase") == "Terminating") {
    json details = details_of(key);
    details["causes"] = json::array(
        {cause("NamespaceTerminating", "namespace " + key.name_space + " is being terminated", "metadata.namespace")});
    return status_answer(403, "Forbidden",
                         key.resource + " \"" + key.name +
                             "\" is forbidden: unable to create new content in namespace " + key.name_space +
                             " because it is being terminated",
                         details);
  }
  return std::nullopt;
}

// Stores an entry as the current state of its key, unless nothing changed.
Answer FakeCluster::store(const Key& key, Entry entry, bool dry_run, int status) {
  const auto existing = entries_.find(key);
  const json* before = existing == entries_.end() ? nullptr : &existing->second.object;
  json& object = entry.object;
  object["apiVersion"] = at_or(object, "apiVersion", "v1");
  object["kind"] = at_or(object, "kind", kind_of(key.resource));
  json& metadata = object["metadata"];
  metadata["name"] = key.name;
  if (!key.name_space.empty()) {
    metadata["namespace"] = key.name_space;
  }
  if (key.resource == "secrets" && !object.contains("type")) {
    object["type"] = "Opaque";
  }
  if (policy_) {
    policy_(key, object);
  }
  for (const char* map : {"labels", "annotations"}) {
    if (metadata.contains(map) && metadata[map].empty()) {
      metadata.erase(map);
    }
  }
  if (before == nullptr) {
    metadata["uid"] = "00000000-0000-4000-8000-" + std::to_string(++uids_);
    metadata["creationTimestamp"] = "2024-01-01T00:00:00Z";
    if (key.resource == "namespaces") {
      metadata["labels"]["kubernetes.io/metadata.name"] = key.name;
      object["status"] = {{"phase", "Active"}};
    }
  } else {
    metadata["uid"] = before->at("metadata").at("uid");
    metadata["creationTimestamp"] = before->at("metadata").at("creationTimestamp");
    metadata["resourceVersion"] = before->at("metadata").at("resourceVersion");
    if (before->at("metadata").contains("deletionTimestamp")) {
      metadata["deletionTimestamp"] = before->at("metadata").at("deletionTimestamp");
    }
    object["status"] = at_or(*before, "status", nullptr);
  }
  if (object["status"].is_null()) {
    object.erase("status");
  }
  metadata["managedFields"] = managed_fields(entry.owners, entry.applied);
  if (const auto fault = secret_fault(key, before, object)) {
    return *fault;
  }
  if ((before != nullptr && *before == object) || dry_run) {
    return {status, object};
  }
  ++version_;
  if (is_let_go(key, object)) {
    history_.push_back({version_, key.resource, *before, std::nullopt});
    entries_.erase(existing);
    return {status, std::move(object)};
  }
  metadata["resourceVersion"] = std::to_string(version_);
  history_.push_back({version_, key.resource, before == nullptr ? std::nullopt : std::optional(*before), object});
  if (history_.size() > longest_history) {
    history_.pop_front();
    oldest_ = history_.front().version;
  }
  Answer answer{status, object};
  entries_[key] = std::move(entry);
  return answer;
}

Answer FakeCluster::create(Key key, json object, const Write& write) {
  if (key.name.empty()) {
    key.name = text_at(at_or(object, "metadata", {}), "name");
  }
  if (const auto fault = namespace_fault(key, /*making=*/true)) {
    return *fault;
  }
  if (entries_.contains(key)) {
    return status_answer(409, "AlreadyExists", key.resource + " \"" + key.name + "\" already exists", details_of(key));
  }
  Entry entry;
  for (const auto& [path, value] : fields_of(object)) {
    entry.owners[path] = {write.manager};
  }
  entry.object = std::move(object);
  return store(key, std::move(entry), write.dry_run, 201);
}

// Replaces the content of an existing object as a manager, which then owns what changed.
Answer FakeCluster::write_as(const Key& key, json object, const Write& write) {
  Entry entry = entries_.at(key);
  const std::string wanted = text_at(at_or(object, "metadata", {}), "resourceVersion");
  if (!wanted.empty() && wanted != text_at(entry.object.at("metadata"), "resourceVersion")) {
    return conflict(key, "the object has been modified; please apply your changes to the latest version");
  }
  const auto before = fields_of(entry.object);
  const auto after = fields_of(object);
  for (const auto& [path, value] : after) {
    const auto old = before.find(path);
    if (old == before.end() || old->second != value) {
      entry.owners[path] = {write.manager};
    }
  }
  for (const auto& [path, value] : before) {
    if (!after.contains(path)) {
      entry.owners.erase(path);
      for (auto& [manager, paths] : entry.applied) {
        paths.erase(path);
      }
    }
  }
  entry.object = std::move(object);
  return store(key, std::move(entry), write.dry_run, 200);
}

Answer FakeCluster::update(const Key& key, json object, const Write& write) {
  if (const auto fault = namespace_fault(key, false)) {
    return *fault;
  }
  return entries_.contains(key) ? write_as(key, std::move(object), write) : not_found(key);
}

Answer FakeCluster::json_patch(const Key& key, const json& patch, const Write& write) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return not_found(key);
  }
  json patched;
  try {
    patched = found->second.object.patch(patch);
  } catch (const json::exception&) {
    return status_answer(422, "Invalid", "the server rejected our request due to an error in our request",
                         json::object());
  }
  return write_as(key, std::move(patched), write);
}

Answer FakeCluster::merge_patch(const Key& key, const json& patch, const Write& write) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return not_found(key);
  }
  json merged = found->second.object;
  merged.merge_patch(patch);
  return write_as(key, std::move(merged), write);
}

Answer FakeCluster::apply(const Key& key, const json& object, const Write& write) {
  if (const auto fault = schema_fault(key, object)) {
    return *fault;
  }
  const auto existing = entries_.find(key);
  if (const auto fault = namespace_fault(key, existing == entries_.end())) {
    return *fault;
  }
  const json metadata = at_or(object, "metadata", json::object());
  const std::string uid = text_at(metadata, "uid");
  Entry entry = existing == entries_.end() ? Entry{} : existing->second;
  if (existing == entries_.end()) {
    if (!uid.empty()) {
      return conflict(key, "Precondition failed: UID in precondition: " + uid + ", UID in object meta: ");
    }
  } else {
    const json& live = entry.object.at("metadata");
    const std::string version = text_at(metadata, "resourceVersion");
    if (!uid.empty() && uid != text_at(live, "uid")) {
      return conflict(key, "Precondition failed: UID in precondition: " + uid);
    }
    if (!version.empty() && version != text_at(live, "resourceVersion")) {
      return conflict(key, "the object has been modified; please apply your changes to the latest version");
    }
  }
  const auto live = fields_of(entry.object.is_null() ? json::object() : entry.object);
  const auto wanted = fields_of(object);
  json causes = json::array();
  std::set<FieldPath> mine;
  for (const auto& [path, value] : wanted) {
    mine.insert(path);
    auto& owners = entry.owners[path];
    const auto now = live.find(path);
    if (now != live.end() && now->second != value) {
      for (const std::string& owner : owners) {
        if (owner != write.manager) {
          causes.push_back(cause("FieldManagerConflict", "conflict with \"" + owner + "\" using v1", display(path)));
        }
      }
      owners.clear();
    }
    owners.insert(write.manager);
    field(entry.object, path) = value;
  }
  if (!causes.empty() && !write.force) {
    json details = details_of(key);
    details["causes"] = causes;
    return status_answer(409, "Conflict", "Apply failed with conflicts: " + causes.dump(), details);
  }
  for (const FieldPath& path : std::exchange(entry.applied[write.manager], mine)) {
    auto owners = entry.owners.find(path);
    if (mine.contains(path) || owners == entry.owners.end()) {
      continue;
    }
    owners->second.erase(write.manager);
    if (owners->second.empty()) {
      entry.owners.erase(owners);
      erase_field(entry.object, path);
    }
  }
  for (const char* given : {"apiVersion", "kind"}) {
    entry.object[given] = at_or(object, given, entry.object[given]);
  }
  return store(key, std::move(entry), write.dry_run, existing == entries_.end() ? 201 : 200);
}

Answer FakeCluster::remove(const Key& key, const json& options) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return not_found(key);
  }
  const json preconditions = at_or(options, "preconditions", json::object());
  const json& metadata = found->second.object.at("metadata");
  for (const char* guard : {"uid", "resourceVersion"}) {
    const std::string wanted = text_at(preconditions, guard);
    if (!wanted.empty() && wanted != text_at(metadata, guard)) {
      return conflict(key, std::string("the ") + guard + " in the precondition (" + wanted + ") does not match");
    }
  }
  if (key.resource == "namespaces") {
    std::vector<Key> inside;
    for (const auto& [each, entry] : entries_) {
      if (each.name_space == key.name) {
        inside.push_back(each);
      }
    }
    for (const Key& each : inside) {
      remove(each, {});
    }
  }
  if (is_held(metadata)) {
    if (!metadata.contains("deletionTimestamp")) {
      mark_deleted(key, found->second);
    }
    return {200, found->second.object};
  }
  const auto last = entries_.extract(key);
  ++version_;
  history_.push_back({version_, key.resource, last.mapped().object, std::nullopt});
  return {200, {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Success"}, {"details", details_of(key)}}};
}

void FakeCluster::terminate_namespace(const std::string& name) {
  const Key key{"namespaces", "", name};
  mark_deleted(key, entries_.at(key));
}

void FakeCluster::mark_deleted(const Key& key, Entry& entry) {
  const json before = entry.object;
  if (key.resource == "namespaces") {
    entry.object["status"]["phase"] = "Terminating";
  }
  entry.object["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z";
  entry.object["metadata"]["resourceVersion"] = std::to_string(++version_);
  history_.push_back({version_, key.resource, before, entry.object});
}

void FakeCluster::compact() {
  history_.clear();
  ++version_;
  oldest_ = version_ + 1;
}

void FakeCluster::restore(const FakeCluster& backup) {
  const auto uids = uids_;
  auto policy = std::move(policy_);
  *this = backup;
  uids_ = uids;  // never reuse one
  policy_ = std::move(policy);
}

}  // namespace regsync::test
