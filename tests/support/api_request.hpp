// Parses requests to an API server as RBAC sees them, and executes them on a FakeCluster.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/fake_cluster.hpp"

namespace regsync::test {

// A parsed request. The verbs are those of RBAC, except that `apply` is distinct from other patches.
struct ApiRequest {
  std::string verb;  // get, list, watch, create, update, apply, patch, delete
  FakeCluster::Key key;
  std::map<std::string, std::string> query;
  std::string body;

  // Whether the request writes; reviews do not.
  [[nodiscard]] bool writes() const {
    return verb != "get" && verb != "list" && verb != "watch" && !key.resource.ends_with("reviews");
  }
  [[nodiscard]] std::string parameter(const std::string& name) const;  // empty if missing
  // The selection of a list or watch.
  [[nodiscard]] Selection selection() const;
};

// Nullopt for a path that is neither /api/v1/… nor /apis/GROUP/VERSION/…, such as /version.
std::optional<ApiRequest> read_api_request(std::string_view method, const std::string& path,
                                           std::map<std::string, std::string> query, std::string_view content_type,
                                           std::string body);

// Parses "a=b&c=d%20e".
std::map<std::string, std::string> read_query(std::string_view query);

// Executes any request except watches and reviews.
Answer act(FakeCluster& cluster, const ApiRequest& request);

// Reduces an object, or each item of a list, to PartialObjectMetadata.
nlohmann::json metadata_only(nlohmann::json object);

// A 403 as RBAC answers it.
Answer forbidden(const ApiRequest& request);

}  // namespace regsync::test
