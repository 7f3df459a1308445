#include "sync/kube/api/api_error.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "helper/base/text.hpp"

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
};

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Status decode(const json& body) {
  Status status;
  if (!body.is_object() || text(body, "kind") != "Status") {
    return status;
  }
  status.decoded = true;
  status.reason = text(body, "reason");
  status.message = text(body, "message");
  const auto details = body.find("details");
  if (details == body.end() || !details->is_object()) {
    return status;
  }
  status.kind = text(*details, "kind");
  const auto delay = details->find("retryAfterSeconds");
  if (delay != details->end() && delay->is_number_unsigned()) {
    status.retry_after = std::chrono::seconds(std::min<std::uint64_t>(delay->get<std::uint64_t>(), 3600));
  }
  const auto causes = details->find("causes");
  if (causes != details->end() && causes->is_array()) {
    for (const json& cause : *causes) {
      if (cause.is_object()) {
        status.causes.push_back({text(cause, "reason"), text(cause, "message"), text(cause, "field")});
      }
    }
  }
  return status;
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
  std::string owners;
  for (const Cause& cause : status.causes) {
    if (cause.reason == "FieldManagerConflict") {
      owners.append(owners.empty() ? "" : ", ")
          .append("field manager \"")
          .append(presentable(manager_of(cause)))
          .append("\" owns ")
          .append(presentable(cause.field));
    }
  }
  return {ErrorCode::field_conflict, subject(operation) + ": " + owners,
          "stop the other manager from writing these fields, or let the target take them over with --adopt"};
}

// "type" of a Secret and everything of an immutable one: validation names the field and the kind of fault.
bool forbids_change(const Status& status) {
  return std::any_of(status.causes.begin(), status.causes.end(), [](const Cause& cause) {
    return (cause.field == "type" && cause.reason == "FieldValueInvalid") ||
           ((cause.field == "data" || cause.field == "immutable") && cause.reason == "FieldValueForbidden");
  });
}

Error forbidden(const Status& status, const std::string& detail, const Operation& operation) {
  const char* remedy =
      "grant the right: `regsync rbac` prints the least Role that a target needs, for `kubectl apply -f -`";
  if (status.has_cause("NamespaceTerminating")) {
    return {ErrorCode::namespace_terminating,
            "namespace \"" + operation.name_space + "\" is being deleted: " + subject(operation) + " cannot be written",
            "nothing, if the deletion is meant; the Secret returns with the namespace"};
  }
  // An apply that would create, by somebody who may patch only, is refused without a reason.
  if (detail.ends_with("is forbidden:")) {
    return {ErrorCode::forbidden, detail + " the right to create it is missing", remedy};
  }
  // Authorisers answer `X is forbidden: User "u" cannot VERB resource "r" …`; quotas and admission plugins answer 403
  // too, and no right would help against them.
  if (status.decoded && status.message.find(" cannot ") == std::string::npos) {
    return {ErrorCode::rejected, subject(operation) + ": " + detail,
            "an admission rule or quota of the cluster forbids it: ask who runs the cluster"};
  }
  return {ErrorCode::forbidden, detail, remedy};
}

Error not_found(const Status& status, const std::string& detail, const Operation& operation) {
  if (status.kind == "namespaces" && operation.resource != "namespaces") {
    return {ErrorCode::namespace_missing, "namespace \"" + operation.name_space + "\" does not exist",
            "create it: kubectl create namespace " + operation.name_space};
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
  return {ErrorCode::stale, subject(operation) + " was changed by somebody else meanwhile"};
}

Error unprocessable(const Status& status, const std::string& detail, const Operation& operation) {
  if (forbids_change(status)) {
    return {ErrorCode::immutable, subject(operation) + ": " + detail,
            "its type, or `immutable: true`, forbids the change: delete it, and it is made anew"};
  }
  if (operation.verb == "patch" && status.causes.empty()) {
    // A failed `test` of a JSON patch, and a path that is not there, answer a bare 422.
    return {ErrorCode::stale, subject(operation) + " is not what the patch was made for: " + detail};
  }
  return {ErrorCode::rejected, subject(operation) + ": " + detail};
}

Error classify(long code, const Status& status, const std::string& detail, const Operation& operation) {
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
      return {ErrorCode::protocol, "HTTP " + std::to_string(code) + " makes no sense here: " + detail,
              "check that `server` in the kubeconfig is an API server and not something before it"};
  }
}

Error error_of(long code, const Status& status, std::string_view raw, std::optional<std::chrono::seconds> retry_after,
               const Operation& operation) {
  std::string detail = presentable(status.decoded ? std::string_view(status.message) : raw);
  if (detail.empty()) {
    detail = operation.verb + " " + subject(operation) + ": HTTP " + std::to_string(code);
  }
  Error error = classify(code, status, detail, operation);
  const auto delay = retry_after ? retry_after : status.retry_after;
  if (delay) {
    error.retry_after(*delay);
  }
  return error;
}

}  // namespace

Error error_of(long http_status, std::string_view body, std::optional<std::chrono::seconds> retry_after,
               const Operation& operation) {
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  return error_of(http_status, decode(parsed), body, retry_after, operation);
}

Error error_of_event(const json& object, const Operation& operation) {
  const Status status = decode(object);
  long code = 500;
  if (status.decoded) {
    const auto found = object.find("code");
    if (found != object.end() && found->is_number_integer()) {
      code = found->get<int>();
    }
    if (status.reason == "Expired" || status.reason == "Gone") {
      code = 410;
    }
  }
  return error_of(code, status,
                  status.decoded ? std::string_view() : std::string_view("an error event without a Status"), {},
                  operation);
}

}  // namespace regsync::kube
