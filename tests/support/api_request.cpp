#include "tests/support/api_request.hpp"

#include <sstream>
#include <utility>

namespace regsync::test {
namespace {

using nlohmann::json;

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) {
    if (!part.empty()) {
      parts.push_back(part);
    }
  }
  return parts;
}

std::optional<FakeCluster::Key> key_of(const std::string& path) {
  std::vector<std::string> parts = segments(path);
  const std::size_t prefix = !parts.empty() && parts[0] == "api" ? 2 : 3;
  if (parts.size() <= prefix || (parts[0] != "api" && parts[0] != "apis")) {
    return std::nullopt;
  }
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(prefix));
  FakeCluster::Key key;
  if (parts.size() > 2 && parts[0] == "namespaces") {
    key.name_space = parts[1];
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  key.resource = parts[0];
  key.name = parts.size() > 1 ? parts[1] : "";
  if (parts.size() > 2 && parts[2] == "eviction") {
    key.resource += "/eviction";
  }
  return key;
}

std::string verb_of(std::string_view method, std::string_view content_type, const std::string& watch,
                    const FakeCluster::Key& key) {
  if (method == "GET") {
    return watch == "true" || watch == "1" ? "watch" : (key.name.empty() ? "list" : "get");
  }
  if (method == "PATCH") {
    return content_type.starts_with("application/apply-patch") ? "apply" : "patch";
  }
  return method == "POST" ? "create" : (method == "PUT" ? "update" : "delete");
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

}  // namespace

std::string ApiRequest::parameter(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

Selection ApiRequest::selection() const {
  return {key.resource, key.name_space, parameter("fieldSelector"), parameter("labelSelector")};
}

std::optional<ApiRequest> read_api_request(std::string_view method, const std::string& path,
                                           std::map<std::string, std::string> query, std::string_view content_type,
                                           std::string body) {
  auto key = key_of(path);
  if (!key) {
    return std::nullopt;
  }
  ApiRequest request{.verb = {}, .key = std::move(*key), .query = std::move(query), .body = std::move(body)};
  request.verb = verb_of(method, content_type, request.parameter("watch"), request.key);
  return request;
}

std::map<std::string, std::string> read_query(std::string_view query) {
  std::map<std::string, std::string> parameters;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto each = query.substr(0, end);
    const auto equals = each.find('=');
    parameters[std::string(each.substr(0, equals))] =
        equals == std::string_view::npos ? "" : percent_decoded(each.substr(equals + 1));
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return parameters;
}

namespace {

// A pod with the annotation "protected" has a PodDisruptionBudget that allows no disruption.
Answer evict(FakeCluster& cluster, FakeCluster::Key pod, const json& eviction) {
  pod.resource = "pods";
  if (eviction.value("apiVersion", "") != "policy/v1") {
    return status_answer(400, "BadRequest", "no kind \"Eviction\" is registered for this version");
  }
  const Answer there = cluster.get(pod);
  if (there.status == 200 && there.body.at("metadata").contains("annotations")) {
    return status_answer(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
  }
  return cluster.remove(pod, {});
}

}  // namespace

Answer act(FakeCluster& cluster, const ApiRequest& request) {
  const FakeCluster::Write write{request.parameter("fieldManager"), request.parameter("force") == "true",
                                 !request.parameter("dryRun").empty()};
  if (request.verb == "get") {
    return cluster.get(request.key);
  }
  if (request.verb == "list") {
    const std::string limit = request.parameter("limit");
    return cluster.list(request.selection(), limit.empty() ? 0 : std::stoul(limit), request.parameter("continue"));
  }
  const json body = request.body.empty() ? json::object() : json::parse(request.body, nullptr, false);
  // An apply is parsed as YAML, which has neither of these escapes.
  const bool not_yaml = request.verb == "apply" && (request.body.find("\\/") != std::string::npos ||
                                                    request.body.find("\\ud8") != std::string::npos);
  if (body.is_discarded() || not_yaml) {
    return status_answer(400, "BadRequest", "error decoding: yaml: found unknown escape character");
  }
  if (request.verb == "apply") {
    return cluster.apply(request.key, body, write);
  }
  if (request.verb == "patch") {
    return body.is_array() ? cluster.json_patch(request.key, body, write)
                           : cluster.merge_patch(request.key, body, write);
  }
  if (request.verb == "create" && request.key.resource == "pods/eviction") {
    return evict(cluster, request.key, body);
  }
  if (request.verb == "create") {
    return cluster.create(request.key, body, write);
  }
  if (request.verb == "update") {
    return cluster.update(request.key, body, write);
  }
  return cluster.remove(request.key, body);
}

json metadata_only(json object) {
  if (object.contains("items")) {
    for (json& item : object["items"]) {
      item = metadata_only(std::move(item));
    }
    object["kind"] = "PartialObjectMetadataList";
  } else {
    object = {{"kind", "PartialObjectMetadata"}, {"metadata", object.at("metadata")}};
  }
  object["apiVersion"] = "meta.k8s.io/v1";
  return object;
}

Answer forbidden(const ApiRequest& request) {
  const std::string verb = request.verb == "apply" ? "patch" : request.verb;
  const auto& key = request.key;
  const std::string subject = key.name.empty() ? key.resource : key.resource + R"( ")" + key.name + "\"";
  const std::string scope =
      key.name_space.empty() ? " at the cluster scope" : " in the namespace \"" + key.name_space + "\"";
  return status_answer(403, "Forbidden",
                       subject + " is forbidden: User \"fake\" cannot " + verb + " resource \"" + key.resource +
                           R"(" in API group "")" + scope,
                       {{"name", key.name}, {"kind", key.resource}});
}

}  // namespace regsync::test
