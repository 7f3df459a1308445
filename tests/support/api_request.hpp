// A request to an API server, as RBAC reads it, and what an API server in memory makes of it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/fake_cluster.hpp"

namespace regsync::test {

// What a request asks for. Verbs are those of RBAC, but an apply is told from another patch.
struct ApiRequest {
  std::string verb;  // get, list, watch, create, update, apply, patch, delete
  FakeCluster::Key key;
  std::map<std::string, std::string> query;
  std::string body;

  // Whether it is to change something; reviews ask.
  [[nodiscard]] bool writes() const {
    return verb != "get" && verb != "list" && verb != "watch" && !key.resource.ends_with("reviews");
  }
  [[nodiscard]] std::string parameter(const std::string& name) const;  // empty where there is none
  // What a list or a watch is of.
  [[nodiscard]] Selection selection() const;
};

// Nullopt for a path that is neither /api/v1/… nor /apis/GROUP/VERSION/…, such as /version.
std::optional<ApiRequest> read_api_request(std::string_view method, const std::string& path,
                                           std::map<std::string, std::string> query, std::string_view content_type,
                                           std::string body);

// The parameters of "a=b&c=d%20e".
std::map<std::string, std::string> read_query(std::string_view query);

// Of all requests but watches and reviews.
Answer act(FakeCluster& cluster, const ApiRequest& request);

// What a client gets that asks for PartialObjectMetadata: of an object, or of each one in a list.
nlohmann::json metadata_only(nlohmann::json object);

// 403, as RBAC says it.
Answer forbidden(const ApiRequest& request);

}  // namespace regsync::test
