#include "sync/kube/api/kube_client.hpp"

#include <algorithm>
#include <asio/this_coro.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "sync/base/async_event.hpp"
#include "sync/base/bounded_json.hpp"
#include "sync/base/field_manager.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/percent_encoding.hpp"
#include "sync/base/time_slice.hpp"
#include "sync/kube/api/api_error.hpp"
#include "sync/kube/api/list_splitter.hpp"
#include "sync/kube/api/object_splitter.hpp"
#include "sync/kube/api/outline.hpp"
#include "sync/kube/config/credentials.hpp"
#include "sync/kube/http/http_client.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

// The limit for a page of a list, uncompressed. If a page exceeds it, the watcher requests a smaller one.
constexpr std::size_t longest_page = std::size_t{32} << 20;
// A server ends a watch at its timeoutSeconds; if it has not done so this much later, it never will.
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

constexpr const char* cut_remedy =
    "check that nothing between this machine and the API server cuts or changes its answers";

std::string answer_to(const Operation& operation) {
  return "the answer to " + operation.verb + " " + operation.resource;
}

// Runs `read`; prefixes an error about a response with that response as the subject.
template <typename Read>
auto reading(const std::string& subject, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(error.code(), subject + " " + error.message(), error.remedy());
  }
}

// Throws if the text is no JSON object, but the page of a proxy or of a network's login.
void expect_object(std::string_view text, const Operation& operation) {
  const auto begin = text.find_first_not_of(" \n\r\t");
  if (begin == std::string_view::npos || text[begin] != '{') {
    throw Error(ErrorCode::unreachable,
                "something other than an API server answers: " + answer_to(operation) + " is not a JSON object",
                "check this machine's network and proxy (a login page?), and `server` in the kubeconfig");
  }
}

json parse(std::string_view text, const Operation& operation) {
  expect_object(text, operation);
  json parsed = reading(answer_to(operation), [text] { return parse_bounded(text); });
  if (!parsed.is_object()) {
    throw Error(ErrorCode::protocol, answer_to(operation) + " is not JSON", cut_remedy);
  }
  return parsed;
}

// Discarded if it is not JSON. For an event that is too large to parse, its type and the outline_of its object.
json parse_event(std::string_view line) {
  try {
    return parse_bounded(line);
  } catch (const Error&) {
    const std::string_view type = member_text(line, "type");
    constexpr std::size_t longest_type = 100;
    return {{"type", json::parse(type.substr(0, longest_type), nullptr, /*allow_exceptions=*/false)},
            {"object", outline_of(member_text(line, "object"))}};
  }
}

constexpr int most_redirects = 3;
constexpr int most_repeats = 10;  // rest/request.go, maxRetries

}  // namespace

Endpoint endpoint_of(const ResolvedContext& context) {
  Endpoint endpoint;
  endpoint.server = server_base(context.server);
  endpoint.tls_server_name = context.tls_server_name;
  endpoint.insecure_skip_tls_verify = context.insecure_skip_tls_verify;
  EnvironmentProxy proxy = context.proxy_url.empty() ? proxy_from_environment(endpoint.server)
                                                     : EnvironmentProxy{context.proxy_url, "proxy-url"};
  endpoint.proxy_url = std::move(proxy.url);
  endpoint.proxy_source = std::move(proxy.variable);
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
  if (!subresource.empty()) {
    path.append("/").append(percent_encoded(subresource, unreserved));
  }
  return path;
}

class KubeClient::Impl {
 public:
  Impl(ResolvedContext context, std::unique_ptr<HttpTransport> over)
      : credentials(std::make_shared<Credentials>(checked(std::move(context)))), transport(std::move(over)) {}

  // Sends a request with fresh credentials, and once more if the server refuses them and there are newer ones.
  asio::awaitable<std::string> send(HttpRequest request, Operation operation) {
    if (request.method != "GET") {
      request.may_send = may_write;
    }
    request.timeout = std::min(request.timeout, limit);
    const auto attempt = [this](const HttpRequest& ready) { return transport->send(ready); };
    HttpResponse response = co_await exchange(request, attempt);
    if (response.status / 100 != 2) {
      throw_error_of(response, operation);
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
    int redirects = 0;
    int busy = 0;
    while (true) {
      const auto mine = credentials;  // may be replaced meanwhile
      request.proof = co_await mine->current();
      if (request.may_send && !request.may_send()) {
        throw not_sent();
      }
      std::optional<CertificateRefused> refused;
      HttpResponse response;
      try {
        response = co_await attempt(request);
      } catch (const CertificateRefused& refusal) {
        refused = refusal;
      }
      if (!refused && !refuses_credentials(response)) {
        mine->accepted(request.proof);
        const bool repeats = busy < most_repeats && co_await waits_to_repeat(response);
        if (repeats) {
          ++busy;
          continue;
        }
        auto elsewhere = redirects < most_redirects ? redirected(response, request) : std::nullopt;
        if (!elsewhere) {
          co_return response;
        }
        ++redirects;
        request.target = std::move(*elsewhere);
        continue;
      }
      const bool again = !std::exchange(renewed, true) && (mine != credentials || co_await mine->renew(request.proof));
      if (again) {
        continue;
      }
      if (refused) {
        throw CertificateRefused(*refused);
      }
      co_return response;
    }
  }

  // Waits as long as a busy server asks for; true if the request should then be repeated.
  asio::awaitable<bool> waits_to_repeat(const HttpResponse& response) const {
    const bool is_busy = response.status == 429 || response.status / 100 == 5;
    if (!is_busy || !response.retry_after) {
      co_return false;
    }
    const auto wait = *response.retry_after;
    if (steady_clock::now() + wait >= repeats_until) {
      co_return false;
    }
    co_await sleep_for(wait);
    co_return true;
  }

  // The target of a redirect that Go's http.Client would follow, only on the same server: another one would receive the
  // credentials and the body.
  [[nodiscard]] std::optional<std::string> redirected(const HttpResponse& response, const HttpRequest& request) const {
    const bool keeps_method = response.status == 307 || response.status == 308;
    const bool is_read = request.method == "GET" && response.status >= 301 && response.status <= 303;
    const auto server = parse_url(credentials->context().server);
    if (!(keeps_method || is_read) || !server) {
      return std::nullopt;
    }
    const bool is_path = response.location.starts_with('/') && !response.location.starts_with("//");
    const auto to = parse_url(is_path ? server->origin() + response.location : response.location);
    const std::string prefix = server->path == "/" ? "" : server->path;
    if (!to || to->scheme != server->scheme || to->host != server->host || to->port != server->port ||
        to->has_userinfo || !to->target().starts_with(prefix + "/")) {
      return std::nullopt;
    }
    return to->target().substr(prefix.size());
  }

  static ResolvedContext checked(ResolvedContext context) {
    context.server = server_base(context.server);
    return context;
  }

  std::shared_ptr<Credentials> credentials;
  std::unique_ptr<HttpTransport> transport;
  std::function<bool()> may_write;  // empty: always
  std::chrono::milliseconds limit = std::chrono::milliseconds::max();
  steady_clock::time_point repeats_until = steady_clock::time_point::min();
};

KubeClient::KubeClient(asio::any_io_executor executor, ResolvedContext context)
    : KubeClient(context.clone(), std::make_unique<HttpClient>(std::move(executor), endpoint_of(context))) {}

KubeClient::KubeClient(ResolvedContext context, std::unique_ptr<HttpTransport> transport)
    : impl_(std::make_unique<Impl>(std::move(context), std::move(transport))) {}

KubeClient::~KubeClient() = default;

const ResolvedContext& KubeClient::context() const { return impl_->credentials->context(); }

void KubeClient::use_credentials_of(ResolvedContext context) {
  auto fresh = std::make_shared<Credentials>(Impl::checked(std::move(context)));
  fresh->take_over(*impl_->credentials);
  impl_->credentials = std::move(fresh);
}

void KubeClient::guard_writes(std::function<bool()> may_write) { impl_->may_write = std::move(may_write); }

void KubeClient::limit_requests(std::chrono::milliseconds limit) { impl_->limit = limit; }

void KubeClient::repeat_until(std::chrono::steady_clock::time_point end) { impl_->repeats_until = end; }

void KubeClient::end_pause() { impl_->credentials->end_pause(); }

IdleRelease KubeClient::release_idle_memory() { return impl_->transport->release_idle_memory(); }

asio::awaitable<void> KubeClient::authenticate() {
  const auto mine = impl_->credentials;
  co_await mine->current();
}

// Coroutines take their arguments by value, because an awaitable may outlive them.
// NOLINTBEGIN(performance-unnecessary-value-param)
asio::awaitable<json> KubeClient::get(ObjectPath path) {
  return impl_->ask(request_of("GET", path.url_path()), operation_of("get", path));
}

asio::awaitable<ListPage> KubeClient::list(ObjectPath collection, ListOptions options,
                                           std::function<void(json&&)> on_item) {
  Query query;
  query.add("fieldSelector", options.field_selector)
      .add("labelSelector", options.label_selector)
      .add("resourceVersion", options.resource_version)
      .add("continue", options.continue_token)
      .add("limit", options.limit > 0 ? std::to_string(options.limit) : std::string());
  HttpRequest request = request_of("GET", collection.url_path() + query.text());
  request.headers.front() = accept(options.metadata_only, "PartialObjectMetadataList");
  request.compressed = !impl_->credentials->context().disable_compression;
  request.max_answer = longest_page;
  request.timeout = options.timeout;
  const Operation operation = operation_of("list", collection);
  const std::string subject = answer_to(operation);
  const std::string text = co_await impl_->send(std::move(request), operation);
  expect_object(text, operation);
  ListSplitter items(text);
  TimeSlice slice;
  while (const auto item = reading(subject, [&] { return items.next(); })) {
    json object = items.is_oversize() ? outline_of(*item) : json::parse(*item, nullptr, /*allow_exceptions=*/false);
    if (object.is_discarded()) {
      throw Error(ErrorCode::protocol, subject + " is not JSON", cut_remedy);
    }
    if (object.is_object()) {
      on_item(std::move(object));
    }
    if (slice.is_over()) {
      co_await slice.hand_over();
    }
  }
  const json envelope = reading(subject, [&] { return items.envelope(); });
  ListPage page;
  page.resource_version = text_at(envelope, {"metadata", "resourceVersion"});
  page.continue_token = text_at(envelope, {"metadata", "continue"});
  co_return page;
}

asio::awaitable<std::string> KubeClient::apply(ObjectPath path, std::string body, ApplyOptions options) {
  Query query;
  query.add("fieldManager", field_manager)
      .add("force", options.force ? "true" : "")
      // Otherwise current servers parse the body as YAML a second time, to warn of duplicate keys
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

asio::awaitable<json> KubeClient::remove(ObjectPath path, Preconditions preconditions) {
  json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!preconditions.uid.empty()) {
    body["preconditions"]["uid"] = preconditions.uid;
  }
  if (!preconditions.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = preconditions.resource_version;
  }
  HttpRequest request = request_of("DELETE", path.url_path(), body.dump(), "application/json");
  Operation operation = operation_of("delete", path);
  return impl_->ask(std::move(request), std::move(operation));
}

// NOLINTEND(performance-unnecessary-value-param)

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

  const std::string subject = "an event of the watch of " + collection.resource;
  ObjectSplitter events(JsonBounds{}.bytes);
  const auto on_text = [&](std::string_view text) {
    const json event = parse_event(text);
    const auto type = event.is_object() ? event.find("type") : event.end();
    const auto object = event.is_object() ? event.find("object") : event.end();
    if (type == event.end() || object == event.end() || !type->is_string() || !object->is_object()) {
      throw Error(ErrorCode::protocol, subject + " is not a watch event");
    }
    if (type->get_ref<const std::string&>() == "ERROR") {
      throw error_of_event(*object, operation);
    }
    on_event(event);
  };
  const std::function<void(std::string_view)> on_bytes = [&](std::string_view bytes) {
    switch (events.feed(bytes, on_text)) {
      case ObjectSplitter::Fed::good:
        return;
      case ObjectSplitter::Fed::no_object:
        throw Error(ErrorCode::protocol, subject + " is not a watch event");
      case ObjectSplitter::Fed::too_long:
        throw Error(ErrorCode::protocol,
                    subject + " is larger than " + std::to_string(JsonBounds{}.bytes >> 20) + " MiB");
    }
  };
  // Accept the credentials when the head arrives: a watch ends only minutes later.
  const std::function<void()> on_open = [&] {
    impl_->credentials->accepted(request.proof);
    if (options.on_open) {
      options.on_open();
    }
  };
  const auto attempt = [&](const HttpRequest& ready) { return impl_->transport->stream(ready, on_open, on_bytes); };
  const HttpResponse response = co_await impl_->exchange(request, attempt);
  if (response.status / 100 != 2) {
    throw error_of(response, operation);
  }
  if (events.has_rest()) {
    throw Error(ErrorCode::unreachable, "the watch of " + collection.resource + " ended in the middle of an event");
  }
}

asio::awaitable<json> KubeClient::version() {
  return impl_->ask(request_of("GET", "/version"), Operation{"get", "/version", {}, {}});
}

}  // namespace regsync::kube
