#include "sync/kube/api/api_error.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "sync/base/bounded_json.hpp"
#include "sync/base/disclosure.hpp"
#include "sync/base/json_access.hpp"
#include "sync/kube/http/retry_after.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

struct Cause {
  std::string reason;
  std::string message;
  std::string field;
};

struct Status {
  bool decoded = false;
  std::string reason;
  std::string message;
  std::string kind;  // details.kind
  std::optional<std::chrono::seconds> retry_after;
  std::vector<Cause> causes;

  [[nodiscard]] bool has_cause(std::string_view reason_of_cause) const {
    return std::any_of(causes.begin(), causes.end(), [&](const Cause& c) { return c.reason == reason_of_cause; });
  }
  [[nodiscard]] bool says(std::string_view words) const { return message.find(words) != std::string::npos; }
};

std::string text(const json& object, JsonPath path) { return std::string(text_at(object, path)); }

Status decode(const json& body) {
  Status status;
  if (text_at(body, {"kind"}) != "Status" || text_at(body, {"apiVersion"}) != "v1") {
    return status;
  }
  status.decoded = true;
  status.reason = text(body, {"reason"});
  status.message = text(body, {"message"});
  status.kind = text(body, {"details", "kind"});
  const json* delay = find_at(body, {"details", "retryAfterSeconds"});
  if (delay != nullptr && delay->is_number_unsigned() && *delay != 0U) {
    const auto longest = static_cast<std::uint64_t>(longest_retry_after.count());
    status.retry_after = std::chrono::seconds(std::min(delay->get<std::uint64_t>(), longest));
  }
  for (const json& cause : list_at(body, {"details", "causes"})) {
    status.causes.push_back({text(cause, {"reason"}), text(cause, {"message"}), text(cause, {"field"})});
  }
  return status;
}

// A Status is a short object; see error_of_others for other bodies.
Status decode(std::string_view body) {
  try {
    return decode(parse_bounded(body));
  } catch (const Error&) {
    return {};  // exceeds the bounds: not a Status
  }
}

// The message of a Status, made presentable. Nothing else bounds its length in a watch event, and a webhook may quote
// the object that it refuses.
std::string shown(std::string_view said) {
  constexpr std::size_t most_judged = std::size_t{64} << 10;
  return said.size() > most_judged ? "what it says is too long to be shown" : presentable_unless_secret(said);
}

std::string subject(const Operation& operation) {
  std::string what = operation.resource;
  if (!operation.name.empty()) {
    what.append(" \"").append(operation.name).append("\"");
  }
  if (!operation.name_space.empty()) {
    what.append(" in namespace \"").append(operation.name_space).append("\"");
  }
  return what;
}

// `conflict with "kubectl-edit" using v1` names the manager between its first quotes.
std::string manager_of(const Cause& cause) {
  const auto begin = cause.message.find('"');
  const auto end = begin == std::string::npos ? begin : cause.message.find('"', begin + 1);
  return end == std::string::npos ? std::string("another manager") : cause.message.substr(begin + 1, end - begin - 1);
}

Error field_conflict(const Status& status, const Operation& operation) {
  constexpr std::size_t named = 3;
  std::vector<std::string> owners;
  for (const Cause& cause : status.causes) {
    if (cause.reason == "FieldManagerConflict") {
      owners.push_back(owners.size() < named
                           ? "field manager \"" + shown(manager_of(cause)) + "\" owns " + shown(cause.field)
                           : std::string());  // otherwise only counted
    }
  }
  return {ErrorCode::field_conflict, subject(operation) + ": " + join(owners, ", ", named),
          "stop the other manager from writing these fields, or let the target take them over with --adopt"};
}

// Whether validation forbids the change: of "type" of a Secret, or of any field of an immutable one. The causes name
// the field and the kind of fault.
bool forbids_change(const Status& status) {
  return std::any_of(status.causes.begin(), status.causes.end(), [](const Cause& cause) {
    return (cause.field == "type" && cause.reason == "FieldValueInvalid") ||
           ((cause.field == "data" || cause.field == "immutable") && cause.reason == "FieldValueForbidden");
  });
}

// Whether a webhook or a policy denies the request, with a code of its own choice: `admission webhook "w" denied the
// request: …` and `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: …` (k8s.io/apiserver/pkg/admission,
// plugin/webhook/errors/statuserror.go and plugin/policy/validating/dispatcher.go). 429 and 5xx may be retried, so they
// do not count.
bool is_of_admission(long code, const Status& status) {
  if (code / 100 != 4 || code == 429) {
    return false;
  }
  // An API server that rejects credentials only says "Unauthorized".
  const bool has_causes = code == 401 && !status.causes.empty();
  return has_causes || status.says("denied the request") || status.says("denied request");
}

Error not_admitted(const std::string& detail, const Operation& operation) {
  return {ErrorCode::rejected, subject(operation) + ": " + detail,
          "an admission rule or quota of the cluster forbids it: ask who runs the cluster"};
}

// Whether a right is missing: `X is forbidden: User "u" cannot VERB resource "r" …` (k8s.io/apiserver,
// handlers/responsewriters/errors.go, forbiddenMessage). Quotas and admission also answer 403, with other messages; no
// right would help against them.
bool is_of_an_authorizer(std::string_view message) {
  const auto user = message.find("User \"");
  return user != std::string_view::npos && message.find(" cannot ", user) != std::string_view::npos;
}

// Whether nobody may write in the namespace, whatever their Roles: `… in the namespace "kube-system": GKE Warden authz
// [denied by managed-namespaces-limitation]: the namespace "kube-system" is managed and the request's verb "create" is
// denied`, as GKE Autopilot answers.
bool is_of_a_managed_namespace(const Status& status, const Operation& operation) {
  const bool reads = operation.verb == "get" || operation.verb == "list" || operation.verb == "watch";
  return !reads && status.says("is managed and the request's verb");
}

// Whether a right is missing of the user that stands for clients without credentials
// (k8s.io/apiserver/pkg/authentication/user, Anonymous).
bool is_of_nobody(std::string_view message) {
  return message.find("User \"system:anonymous\" cannot ") != std::string_view::npos;
}

// Whether the right to impersonate is missing (k8s.io/apiserver, endpoints/filters/impersonation), as with the verb
// "impersonate" or "impersonate:user-info": the impersonated user lacks no right.
bool is_of_an_impersonator(std::string_view message) {
  return message.find("\" cannot impersonate", message.find("User \"")) != std::string_view::npos;
}

Error forbidden(const Status& status, const std::string& detail, const Operation& operation) {
  const char* remedy =
      "grant the right: `regsync rbac` prints the least Role that a target needs, for `kubectl apply -f -`";
  if (status.has_cause("NamespaceTerminating")) {
    return {ErrorCode::namespace_terminating,
            "namespace \"" + operation.name_space + "\" is being deleted: " + subject(operation) + " cannot be written",
            "nothing to do if the deletion is intended; regsync creates the Secret again with the namespace"};
  }
  // An apply that would create an object, by a user who may only patch, is refused without a reason.
  if (detail.ends_with("is forbidden:")) {
    return {ErrorCode::forbidden, detail + " the right to create it is missing", remedy};
  }
  if (!is_of_an_authorizer(status.message)) {
    return not_admitted(detail, operation);
  }
  if (is_of_a_managed_namespace(status, operation)) {
    return {ErrorCode::rejected, detail,
            "no Role helps against that: leave the namespace out, as in `excludeNamespaces: [" + operation.name_space +
                "]` of the target"};
  }
  if (is_of_nobody(status.message)) {
    // Rights may have been granted to everybody, but no right lets an anonymous user see who it is or impersonate.
    const bool no_right_helps = operation.resource == "selfsubjectreviews" || is_of_an_impersonator(status.message);
    return no_credentials_seen(detail, no_right_helps ? ErrorCode::unauthorized : ErrorCode::forbidden);
  }
  if (is_of_an_impersonator(status.message)) {
    return {
        ErrorCode::unauthorized, "the user of this context may not act as who it names by `as`: " + detail,
        "let the user that the message names impersonate that one (RBAC: the verb `impersonate`), or take `as` out of "
        "the kubeconfig"};
  }
  return {ErrorCode::forbidden, detail, remedy};
}

Error not_found(const Status& status, const std::string& detail, const Operation& operation) {
  if (status.kind == "namespaces" && operation.resource != "namespaces") {
    return {ErrorCode::namespace_missing, "namespace \"" + operation.name_space + "\" does not exist",
            "create it: kubectl create namespace " + shell_word(operation.name_space)};
  }
  return {ErrorCode::not_found, detail};
}

Error conflict(const Status& status, const std::string& detail, const Operation& operation) {
  if (status.has_cause("FieldManagerConflict")) {
    return field_conflict(status, operation);
  }
  if (status.reason == "AlreadyExists") {
    return {ErrorCode::already_exists, detail};
  }
  return {ErrorCode::stale, subject(operation) + " is not what the write was made for: " + detail};
}

Error unprocessable(const Status& status, const std::string& detail, const Operation& operation) {
  if (forbids_change(status)) {
    return {ErrorCode::immutable, subject(operation) + ": " + detail,
            "its type, or `immutable: true`, forbids the change: delete it, and regsync creates it again"};
  }
  if (operation.verb == "patch" && status.causes.empty()) {
    // A failed `test` of a JSON patch, and a path that does not exist, yield a bare 422.
    return {ErrorCode::stale, subject(operation) + " is not what the patch was made for: " + detail};
  }
  return {ErrorCode::rejected, subject(operation) + ": " + detail};
}

Error classify(long code, const Status& status, const std::string& detail, const Operation& operation) {
  if (is_of_admission(code, status)) {
    return not_admitted(detail, operation);
  }
  switch (code) {
    case 401:
      return {ErrorCode::unauthorized, "the API server does not accept the credentials of this context: " + detail,
              "log in to the cluster again, or renew the token or certificate in the kubeconfig"};
    case 403:
      return forbidden(status, detail, operation);
    case 404:
      return not_found(status, detail, operation);
    case 409:
      return conflict(status, detail, operation);
    case 410:
      return {ErrorCode::expired, detail};
    case 422:
      return unprocessable(status, detail, operation);
    case 429:
      return {ErrorCode::overloaded, "the API server asks to slow down: " + detail};
    default:
      if (code >= 500) {
        return {ErrorCode::server_error, "the API server failed (" + std::to_string(code) + "): " + detail};
      }
      if (code >= 400) {
        return {ErrorCode::rejected, subject(operation) + ": " + detail};
      }
      return {ErrorCode::protocol, "unexpected HTTP status " + std::to_string(code) + ": " + detail};
  }
}

// Whether the API server cannot decrypt or decode an object that it would answer with (k8s.io/apiserver/pkg/storage,
// etcd3/store.go and errors.go). It has its own reason since Kubernetes 1.32, for lists only.
bool is_of_an_unreadable_object(const Status& status) {
  return status.reason == "StorageReadError" || status.says("unable to transform key") ||
         status.says("StorageError: corrupt object");
}

Error error_of(long code, const Status& status, const Operation& operation) {
  std::string detail = shown(status.message);
  if (detail.empty()) {
    detail = operation.verb + " " + subject(operation) + ": HTTP " + std::to_string(code);
  }
  return classify(code, status, detail, operation);
}

// A presentable excerpt of a body that is no Status: the title of a page, or the beginning of a text.
std::string words_of(std::string_view body) {
  constexpr std::size_t enough = 200;
  constexpr std::size_t most_judged = 8192;
  const auto title = body.find("<title>");
  if (title != std::string_view::npos) {
    body.remove_prefix(title + std::string_view("<title>").size());
    body = body.substr(0, body.find('<'));
  }
  const bool is_page = body.substr(0, enough).find('<') != std::string_view::npos;
  return is_page ? std::string() : presentable_unless_secret(body.substr(0, most_judged), enough);
}

// The error for a response without a Status. API servers send some of these themselves: "too many requests" and
// failures of the filters before its handlers are plain text (k8s.io/apiserver/pkg/server/filters), and so is "404 page
// not found" for a path that it does not know.
Error error_of_others(const HttpResponse& response, const Operation& operation) {
  const long code = response.status;
  const std::string words = words_of(response.body);
  const std::string said = "HTTP " + std::to_string(code) + (words.empty() ? "" : " (" + words + ")");
  const std::string asked = operation.verb + " " + subject(operation);
  if (code == 429) {
    return {ErrorCode::overloaded, "the API server asks to slow down: " + said};
  }
  if (code >= 500) {
    return {ErrorCode::server_error, "the API server, or a proxy before it, failed to " + asked + ": " + said};
  }
  if (code == 413) {
    return {ErrorCode::rejected,
            asked + ": the API server, or a proxy before it, does not accept a request of this size: " + said};
  }
  if (code == 401) {
    return {ErrorCode::unauthorized, "the credentials of this context are not accepted: " + said,
            "log in to the cluster again, or renew the token or certificate in the kubeconfig"};
  }
  if (code / 100 == 3) {
    const auto to = parse_url(response.location);
    return {ErrorCode::unreachable,
            "something before the API server answers " + asked + " with a redirect" +
                (to ? " to " + presentable(to->origin()) : "") + ", as login pages of networks and proxies do",
            "log in there with a browser, or correct `server` or `proxy-url` in the kubeconfig"};
  }
  if (code == 400) {  // the answer of a TLS server to plain http
    return {ErrorCode::unreachable, "no API server answers " + asked + ": " + said,
            "if `server` in the kubeconfig says http:// and this port speaks TLS, write https://; else check this "
            "machine's network and proxy"};
  }
  if (code == 404) {
    return {ErrorCode::unreachable, "there is no Kubernetes API at this path of the server: " + asked + ": " + said,
            "check the path of `server` in the kubeconfig"};
  }
  return {ErrorCode::unreachable, "something before the API server answers " + asked + ", not the API server: " + said,
          "check this machine's network and proxy (a login page?), and `server` and `proxy-url` in the kubeconfig"};
}

}  // namespace

Error no_credentials_seen(const std::string& detail, ErrorCode code) {
  return {code, "the API server sees no credentials of this context: " + detail,
          "give the context a user in the kubeconfig; if it has one with a client certificate, see whether a proxy or "
          "load balancer before the API server takes that away"};
}

Error error_of(const HttpResponse& response, const Operation& operation) {
  const Status status = decode(std::string_view(response.body));
  Error error = status.decoded ? error_of(response.status, status, operation) : error_of_others(response, operation);
  const auto delay = response.retry_after ? response.retry_after : status.retry_after;
  if (delay) {
    error.retry_after(*delay);
  }
  return error;
}

void throw_error_of(const HttpResponse& response, const Operation& operation) {
  if (response.status == 500 && is_of_an_unreadable_object(decode(std::string_view(response.body)))) {
    throw UnreadableObject(error_of(response, operation));
  }
  throw error_of(response, operation);
}

bool refuses_credentials(const HttpResponse& response) {
  return response.status == 401 && !is_of_admission(response.status, decode(std::string_view(response.body)));
}

Error error_of_event(const json& object, const Operation& operation) {
  const Status status = decode(object);
  if (!status.decoded) {
    return {ErrorCode::server_error, "the API server failed: an error event without a Status"};
  }
  const json* number = find_at(object, {"code"});
  const bool known = number != nullptr && number->is_number_integer() && *number >= 400 && *number < 600;
  const bool gone = status.reason == "Expired" || status.reason == "Gone";
  Error error = error_of(gone ? 410 : (known ? number->get<long>() : 500), status, operation);
  if (status.retry_after) {
    error.retry_after(*status.retry_after);
  }
  return error;
}

}  // namespace regsync::kube
