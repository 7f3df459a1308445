// Turns the refusal of an API server, an HTTP status and a Status body (meta/v1), into one typed Error. Pure.
//
// Only a Status is the word of the API server. Without one a proxy, a load balancer or the login page of a network has
// answered, and its 403 is no missing right, its 404 no missing object: such an answer is `unreachable`, as far as the
// API server is concerned. The exceptions are in error_of_others.
//
// Codes are told apart by status, reason, details and causes, as the API machinery defines them
// (k8s.io/apimachinery/pkg/apis/meta/v1/types.go), never by English, with one exception: a 403 by authorisation
// differs from a 403 by admission, and is one of somebody without credentials, or who may not impersonate, in its
// message alone.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "helper/base/error.hpp"
#include "sync/kube/http/http_transport.hpp"

namespace regsync::kube {

// What was asked: for messages, and for the meanings that depend on it.
struct Operation {
  std::string verb;        // get, list, watch, apply, patch, create, delete
  std::string resource;    // "secrets"
  std::string name;        // may be empty
  std::string name_space;  // may be empty
};

// For an answer that is not 2xx. Its body may be anything.
Error error_of(const HttpResponse& response, const Operation& operation);

// For who asks, and is "system:anonymous" to the API server. The code is forbidden where everybody may have been given
// other rights.
Error no_credentials_seen(const std::string& detail, ErrorCode code = ErrorCode::unauthorized);

// For the object of a watch event of type ERROR: a Status whose code stands in its body.
Error error_of_event(const nlohmann::json& object, const Operation& operation);

}  // namespace regsync::kube
