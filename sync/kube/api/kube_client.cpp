#include "sync/kube/api/kube_client.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "sync/base/percent_encoding.hpp"
#include "sync/kube/api/api_error.hpp"
#include "sync/kube/api/line_splitter.hpp"
#include "sync/kube/config/credentials.hpp"
#include "sync/kube/http/proxy.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

// etcd takes objects up to 1.5 MiB; one event holds one object as JSON, with managedFields and escapes.
constexpr std::size_t longest_event = std::size_t{16} << 20;
// A server ends a watch at its timeoutSeconds; one that has not, this much later, never will.
constexpr auto watch_grace = std::chrono::seconds(30);

class Query {
 public:
  Query& add(std::string_view name, std::string_view value) {
    if (!value.empty()) {
      text_.append(text_.empty() ? "?" : "&").append(name).append("=").append(percent_encoded(value, unreserved));
    }
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string accept(bool metadata_only, std::string_view kind) {
  std::string header = "Accept: ";
  if (metadata_only) {
    header.append("application/json;as=").append(kind).append(";g=meta.k8s.io;v=v1,");
  }
  return header + "application/json";
}

HttpRequest request_of(std::string method, std::string target, std::string body = {},
                       std::string_view content_type = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  request.headers.push_back(accept(false, {}));
  if (!content_type.empty()) {
    request.headers.push_back(std::string("Content-Type: ").append(content_type));
  }
  return request;
}

Operation operation_of(std::string_view verb, const ObjectPath& path) {
  return {std::string(verb), path.resource, path.name, path.name_space};
}

json parse(std::string_view text, const Operation& operation) {
  json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    throw Error(ErrorCode::protocol,
                "the answer to " + operation.verb + " " + operation.resource + " is not a JSON object",
                "check that `server` in the kubeconfig is an API server and not something before it");
  }
  return parsed;
}

}  // namespace

Endpoint endpoint_of(const ResolvedContext& context) {
  Endpoint endpoint;
  endpoint.server = context.server;
  endpoint.tls_server_name = context.tls_server_name;
  endpoint.insecure_skip_tls_verify = context.insecure_skip_tls_verify;
  endpoint.proxy_url = context.proxy_url.empty() ? proxy_from_environment(context.server) : context.proxy_url;
  return endpoint;
}

std::string ObjectPath::url_path() const {
  std::string path = api;
  if (!name_space.empty()) {
    path.append("/namespaces/").append(percent_encoded(name_space, unreserved));
  }
  path.append("/").append(percent_encoded(resource, unreserved));
  if (!name.empty()) {
    path.append("/").append(percent_encoded(name, unreserved));
  }
  return path;
}

class KubeClient::Impl {
 public:
  Impl(ResolvedContext context, std::unique_ptr<HttpTransport> over)
      : credentials(std::make_shared<Credentials>(std::move(context))), transport(std::move(over)) {}

  // Sends a request with fresh credentials, and once more after a 401 where there are newer ones.
  asio::awaitable<std::string> send(HttpRequest request, Operation operation) {
    const auto attempt = [this](const HttpRequest& ready) { return transport->send(ready); };
    HttpResponse response = co_await exchange(request, attempt);
    if (response.status / 100 != 2) {
      throw error_of(response.status, response.body, response.retry_after, operation);
    }
    co_return std::move(response.body);
  }

  asio::awaitable<json> ask(HttpRequest request, Operation operation) {
    const std::string text = co_await send(std::move(request), operation);
    co_return parse(text, operation);
  }

  template <typename Exchange>
  asio::awaitable<HttpResponse> exchange(HttpRequest& request, Exchange attempt) {
    bool renewed = false;
    while (true) {
      const auto mine = credentials;  // may be replaced meanwhile
      request.proof = co_await mine->current();
      HttpResponse response = co_await attempt(request);
      if (response.status != 401 || std::exchange(renewed, true)) {
        co_return response;
      }
      const bool newer = mine != credentials || co_await mine->renew(request.proof);
      if (!newer) {
        co_return response;
      }
    }
  }

  std::shared_ptr<Credentials> credentials;
  std::unique_ptr<HttpTransport> transport;
};

KubeClient::KubeClient(asio::any_io_executor executor, ResolvedContext context)
    : KubeClient(context.clone(), std::make_unique<HttpClient>(std::move(executor), endpoint_of(context))) {}

KubeClient::KubeClient(ResolvedContext context, std::unique_ptr<HttpTransport> transport)
    : impl_(std::make_unique<Impl>(std::move(context), std::move(transport))) {}

KubeClient::~KubeClient() = default;

const ResolvedContext& KubeClient::context() const { return impl_->credentials->context(); }

void KubeClient::use_credentials_of(ResolvedContext context) {
  auto fresh = std::make_shared<Credentials>(std::move(context));
  fresh->take_over(*impl_->credentials);
  impl_->credentials = std::move(fresh);
}

void KubeClient::end_pause() { impl_->credentials->end_pause(); }

asio::awaitable<void> KubeClient::authenticate() {
  const auto mine = impl_->credentials;
  co_await mine->current();
}

// By value, as the contract has it for coroutines: an awaitable may outlive its arguments.
// NOLINTBEGIN(performance-unnecessary-value-param)
asio::awaitable<json> KubeClient::get(ObjectPath path) {
  return impl_->ask(request_of("GET", path.url_path()), operation_of("get", path));
}

asio::awaitable<json> KubeClient::list(ObjectPath collection, ListOptions options) {
  Query query;
  query.add("fieldSelector", options.field_selector)
      .add("labelSelector", options.label_selector)
      .add("resourceVersion", options.resource_version)
      .add("continue", options.continue_token)
      .add("limit", options.limit > 0 ? std::to_string(options.limit) : std::string());
  HttpRequest request = request_of("GET", collection.url_path() + query.text());
  request.headers.front() = accept(options.metadata_only, "PartialObjectMetadataList");
  request.compressed = !impl_->credentials->context().disable_compression;
  return impl_->ask(std::move(request), operation_of("list", collection));
}

asio::awaitable<std::string> KubeClient::apply(ObjectPath path, std::string body, ApplyOptions options) {
  Query query;
  query.add("fieldManager", field_manager)
      .add("force", options.force ? "true" : "")
      .add("dryRun", options.dry_run ? "All" : "")
      // Else a server of today reads the body as YAML a second time, to warn of keys that are there twice
      // (k8s.io/apiserver/pkg/endpoints/handlers/patch.go, applyPatcher). Unknown fields are refused all the same.
      .add("fieldValidation", "Ignore");
  return impl_->send(
      request_of("PATCH", path.url_path() + query.text(), std::move(body), "application/apply-patch+yaml"),
      operation_of("apply", path));
}

asio::awaitable<json> KubeClient::json_patch(ObjectPath path, std::string body) {
  Query query;
  query.add("fieldManager", field_manager);
  return impl_->ask(request_of("PATCH", path.url_path() + query.text(), std::move(body), "application/json-patch+json"),
                    operation_of("patch", path));
}

asio::awaitable<json> KubeClient::create(ObjectPath collection, std::string body) {
  Query query;
  query.add("fieldManager", field_manager);
  return impl_->ask(request_of("POST", collection.url_path() + query.text(), std::move(body), "application/json"),
                    operation_of("create", collection));
}

// NOLINTEND(performance-unnecessary-value-param)

asio::awaitable<void> KubeClient::remove(ObjectPath path, Preconditions preconditions) {
  json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!preconditions.uid.empty()) {
    body["preconditions"]["uid"] = preconditions.uid;
  }
  if (!preconditions.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = preconditions.resource_version;
  }
  HttpRequest request = request_of("DELETE", path.url_path(), body.dump(), "application/json");
  Operation operation = operation_of("delete", path);
  co_await impl_->ask(std::move(request), std::move(operation));
}

asio::awaitable<void> KubeClient::watch(ObjectPath collection, WatchOptions options,
                                        std::function<void(const json&)> on_event) {
  Query query;
  query.add("watch", "true")
      .add("allowWatchBookmarks", "true")
      .add("fieldSelector", options.field_selector)
      .add("labelSelector", options.label_selector)
      .add("resourceVersion", options.resource_version)
      .add("timeoutSeconds", std::to_string(options.timeout_seconds));
  HttpRequest request = request_of("GET", collection.url_path() + query.text());
  request.headers.front() = accept(options.metadata_only, "PartialObjectMetadata");
  request.timeout = std::chrono::seconds(options.timeout_seconds) + watch_grace;
  const Operation operation = operation_of("watch", collection);

  LineSplitter lines(longest_event);
  const auto on_line = [&](std::string_view line) {
    const json event = json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto type = event.is_object() ? event.find("type") : event.end();
    const auto object = event.is_object() ? event.find("object") : event.end();
    if (type == event.end() || object == event.end() || !type->is_string() || !object->is_object()) {
      throw Error(ErrorCode::protocol, "an event of the watch of " + collection.resource + " is not a watch event");
    }
    if (type->get_ref<const std::string&>() == "ERROR") {
      throw error_of_event(*object, operation);
    }
    on_event(event);
  };
  const std::function<void(std::string_view)> on_bytes = [&](std::string_view bytes) {
    if (!lines.feed(bytes, on_line)) {
      throw Error(ErrorCode::protocol, "an event of the watch of " + collection.resource + " has no end");
    }
  };
  const auto attempt = [&](const HttpRequest& ready) {
    return impl_->transport->stream(ready, options.on_open, on_bytes);
  };
  const HttpResponse response = co_await impl_->exchange(request, attempt);
  if (response.status / 100 != 2) {
    throw error_of(response.status, response.body, response.retry_after, operation);
  }
  if (lines.has_rest()) {
    throw Error(ErrorCode::unreachable, "the watch of " + collection.resource + " ended in the middle of an event");
  }
}

asio::awaitable<json> KubeClient::version() {
  return impl_->ask(request_of("GET", "/version"), Operation{"get", "/version", {}, {}});
}

}  // namespace regsync::kube
