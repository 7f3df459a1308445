// Converts a failure response of an API server, an HTTP status and a Status body (meta/v1), to a typed Error. Pure.
//
// Only a response with a Status comes from the API server. One without a Status is from a proxy, a load balancer or the
// login page of a network; its 403 does not mean a missing right, nor its 404 a missing object. So the API server
// counts as `unreachable`. The exceptions are in error_of_others.
//
// The code follows from status, reason, details and causes, as the API machinery defines them
// (k8s.io/apimachinery/pkg/apis/meta/v1/types.go), never from English text, except in cases that differ only in their
// message: a denial by admission, whatever its code; a 403 for a client without credentials, for one that may not
// impersonate, and in a namespace that the cluster's platform manages; an object that the API server cannot decode.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "helper/base/error.hpp"
#include "sync/kube/http/http_transport.hpp"

namespace regsync::kube {

// The request: for messages, and where the meaning of a response depends on it.
struct Operation {
  std::string verb;        // get, list, watch, apply, patch, create, delete
  std::string resource;    // "secrets"
  std::string name;        // may be empty
  std::string name_space;  // may be empty
};

// The API server cannot decrypt or decode an object that belongs in the response. A request that does not include that
// object, such as a list of another namespace, may still succeed.
struct UnreadableObject : Error {
  using Error::Error;
  explicit UnreadableObject(const Error& error) : Error(error) {}
};

// The error for a response that is not 2xx. The body may be anything.
Error error_of(const HttpResponse& response, const Operation& operation);

// Throws error_of(), as UnreadableObject if the server cannot decode an object.
[[noreturn]] void throw_error_of(const HttpResponse& response, const Operation& operation);

// Whether the response rejects the credentials. A 401 alone does not: a policy may deny a request with 401, too.
bool refuses_credentials(const HttpResponse& response);

// The error for a client that the API server treats as "system:anonymous". The code is forbidden if other rights may
// have been granted to everybody.
Error no_credentials_seen(const std::string& detail, ErrorCode code = ErrorCode::unauthorized);

// The error for the object of a watch event of type ERROR: a Status with the code in its body.
Error error_of_event(const nlohmann::json& object, const Operation& operation);

}  // namespace regsync::kube
