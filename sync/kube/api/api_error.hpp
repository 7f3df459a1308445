// What an API server says when it does not do what was asked: an HTTP status and a Status body (meta/v1) become one
// typed Error. Pure.
//
// Codes are told apart by status, reason, details and causes, as the API machinery defines them
// (k8s.io/apimachinery/pkg/apis/meta/v1/types.go), never by English, with one exception: a 403 by authorisation
// differs from a 403 by admission in its message alone.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"

namespace regsync::kube {

// What was asked: for messages, and for the meanings that depend on it.
struct Operation {
  std::string verb;        // get, list, watch, apply, patch, create, delete
  std::string resource;    // "secrets"
  std::string name;        // may be empty
  std::string name_space;  // may be empty
};

// For an answer that is not 2xx. `body` may be anything.
Error error_of(long http_status, std::string_view body, std::optional<std::chrono::seconds> retry_after,
               const Operation& operation);

// For the object of a watch event of type ERROR: a Status whose code stands in its body.
Error error_of_event(const nlohmann::json& object, const Operation& operation);

}  // namespace regsync::kube
