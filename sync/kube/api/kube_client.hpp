// A client of one API server: requests as coroutines, answers as JSON, failures as typed Errors.
//
// Lives on the io_context thread. Follows redirects to the same server. Does not retry, except once after a 401 with
// fresh credentials (client-go plugin/pkg/client/auth/exec), and as repeat_until() allows: callers decide when to retry
// (WorkQueue for writes of keys, Watcher for a watch, others with pauses of their own). All calls may be cancelled
// (asio total cancellation), which throws Error(cancelled). Every request names the field manager "regsync" where the
// API accepts one.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "sync/kube/config/resolved_context.hpp"
#include "sync/kube/http/http_client.hpp"

namespace regsync::kube {

// An object or, with an empty name, a collection.
struct ObjectPath {
  std::string resource = {};     // plural: "secrets", "namespaces", "serviceaccounts"
  std::string name_space = {};   // empty: cluster-scoped, or across all namespaces
  std::string name = {};         // empty: the collection
  std::string api = "/api/v1";   // or "/apis/GROUP/VERSION"
  std::string subresource = {};  // of a named object, such as "eviction"

  [[nodiscard]] std::string url_path() const;
};

struct ListOptions {
  std::string field_selector = {};  // "metadata.name=x"
  std::string label_selector = {};
  std::string resource_version = {};  // "" for the newest, "0" for any
  std::string continue_token = {};
  int limit = 0;
  bool metadata_only = false;  // PartialObjectMetadata: a tenth of the bytes if only metadata matters
  std::chrono::milliseconds timeout = HttpRequest().timeout;
};

// A page of a list without its items.
struct ListPage {
  std::string resource_version;
  std::string continue_token;  // of the next page; empty on the last one
};

struct WatchOptions {
  std::string field_selector = {};
  std::string label_selector = {};
  std::string resource_version = {};  // never empty
  int timeout_seconds = 300;
  bool metadata_only = false;
  std::function<void()> on_open = {};  // called when the server accepts the watch
};

struct ApplyOptions {
  bool force = false;  // take over fields of other managers: only for our objects, or with --adopt
};

struct Preconditions {
  std::string uid = {};
  std::string resource_version = {};
};

// The endpoint of a context's server, for callers with their own transport. Throws Error(kubeconfig) as server_base
// does.
Endpoint endpoint_of(const ResolvedContext& context);

class KubeClient {
 public:
  // Throws Error(kubeconfig) if the context's certificates or server are unusable (server_base).
  KubeClient(asio::any_io_executor executor, ResolvedContext context);
  // The same with another transport, for tests.
  KubeClient(ResolvedContext context, std::unique_ptr<HttpTransport> transport);
  ~KubeClient();
  KubeClient(const KubeClient&) = delete;
  KubeClient& operator=(const KubeClient&) = delete;
  KubeClient(KubeClient&&) = delete;
  KubeClient& operator=(KubeClient&&) = delete;

  // Valid until use_credentials_of().
  [[nodiscard]] const ResolvedContext& context() const;

  // Uses the credentials of another context of the same cluster (same_connection) from the next request on. Requests
  // and watches in progress continue, and connections are kept if the TLS material is the same. Throws
  // Error(kubeconfig) and changes nothing if the context's certificates are unusable.
  void use_credentials_of(ResolvedContext context);

  // Sets a predicate that is called right before sending each request that may change something. If it returns false,
  // the request is not sent and throws Error(stale). It must not throw.
  void guard_writes(std::function<bool()> may_write);

  // Limits the timeout of all requests except watches.
  void limit_requests(std::chrono::milliseconds limit);

  // For commands, whose requests no queue retries: if the server is too busy (429 and 5xx with Retry-After), retries at
  // the time that it names, as client-go does (rest/with_retry.go), unless that is after `end`.
  void repeat_until(std::chrono::steady_clock::time_point end);

  // The user asks to try again: ends a pause after unhelpful runs of an exec plugin.
  void end_pause();

  // As HttpTransport::release_idle_memory().
  IdleRelease release_idle_memory();

  // Gets the credentials for the next request; runs the exec plugin if that is due. Throws as a request does.
  asio::awaitable<void> authenticate();

  asio::awaitable<nlohmann::json> get(ObjectPath path);
  // Reads one page. Calls on_item for each object in order, yielding to the event loop in between, so that neither a
  // large nor a hostile page blocks it, and no more than one object is held as a tree.
  asio::awaitable<ListPage> list(ObjectPath collection, ListOptions options,
                                 std::function<void(nlohmann::json&&)> on_item);

  // Server-side apply. `body` is JSON that is also YAML: raw UTF-8, no "\/", because API servers parse the body of an
  // apply as YAML. Returns the resulting object as text, because callers may apply thousands.
  asio::awaitable<std::string> apply(ObjectPath path, std::string body, ApplyOptions options);

  // RFC 6902. Throws stale for a failed test and for a path that does not exist: the API server does not distinguish
  // them.
  asio::awaitable<nlohmann::json> json_patch(ObjectPath path, std::string body);

  // POST to a collection, or to a subresource; for evictions, SelfSubjectAccessReview and the like.
  asio::awaitable<nlohmann::json> create(ObjectPath collection, std::string body);

  // DELETE with background propagation. Returns the server's response, which is the object itself if finalizers delay
  // the deletion. Throws stale if a precondition fails, not_found if the object is gone already.
  asio::awaitable<nlohmann::json> remove(ObjectPath path, Preconditions preconditions);

  // Streams one watch until the server ends it. Calls on_event with each decoded event {"type":…,"object":…} in order.
  // Throws the error of opening the stream or of an event of type ERROR (expired for 410 in either form).
  asio::awaitable<void> watch(ObjectPath collection, WatchOptions options,
                              std::function<void(const nlohmann::json&)> on_event);

  // GET /version: the cheapest proof that the server is reachable and accepts our credentials.
  asio::awaitable<nlohmann::json> version();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync::kube
