// Turns the refusal of an API server, an HTTP status and a Status body (meta/v1), into one typed Error. Pure.
//
// Only a Status is the word of the API server. Without one a proxy, a load balancer or the login page of a network has
// answered, and its 403 is no missing right, its 404 no missing object: such an answer is `unreachable`, as far as the
// API server is concerned. The exceptions are in error_of_others.
//
// Codes are told apart by status, reason, details and causes, as the API machinery defines them
// (k8s.io/apimachinery/pkg/apis/meta/v1/types.go), never by English, with these exceptions, which differ in their
// message alone: a denial by admission, whatever its code; a 403 of somebody without credentials, of who may not
// impersonate, and in a namespace that the cluster's platform manages; an object that the API server cannot decode.
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

// Where the API server cannot decrypt or decode an object that it would answer with. What leaves that object out, as a
// list of another namespace, may be answered all the same.
struct UnreadableObject : Error {
  using Error::Error;
  explicit UnreadableObject(const Error& error) : Error(error) {}
};

// For an answer that is not 2xx. Its body may be anything.
Error error_of(const HttpResponse& response, const Operation& operation);

// Throws error_of(), as UnreadableObject where it is that.
[[noreturn]] void throw_error_of(const HttpResponse& response, const Operation& operation);

// Whether the credentials are not accepted: a policy may deny a request with a 401 too.
bool refuses_credentials(const HttpResponse& response);

// For who asks, and is "system:anonymous" to the API server. The code is forbidden where everybody may have been given
// other rights.
Error no_credentials_seen(const std::string& detail, ErrorCode code = ErrorCode::unauthorized);

// For the object of a watch event of type ERROR: a Status whose code stands in its body.
Error error_of_event(const nlohmann::json& object, const Operation& operation);

}  // namespace regsync::kube
