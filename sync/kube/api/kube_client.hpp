// A client of one API server: requests as coroutines, answers as JSON, failures as typed Errors.
//
// Lives on the io_context thread. Nothing here retries but the one repeat after a 401 with fresh credentials
// (client-go plugin/pkg/client/auth/exec), and what repeat_until() allows: whoever asks decides when to ask again
// (WorkQueue for writes of keys, Watcher for a watch, the others by pauses of their own). All calls may be cancelled
// (asio total cancellation), which throws Error(cancelled). Every request carries the field manager "regsync" where the
// API takes one.
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
  std::string subresource = {};  // of a named object: "eviction"

  [[nodiscard]] std::string url_path() const;
};

struct ListOptions {
  std::string field_selector = {};  // "metadata.name=x"
  std::string label_selector = {};
  std::string resource_version = {};  // "" for the newest, "0" for any
  std::string continue_token = {};
  int limit = 0;
  bool metadata_only = false;  // PartialObjectMetadata: a tenth of the bytes where only metadata matters
  std::chrono::milliseconds timeout = HttpRequest().timeout;
};

// Of a page of a list, what is not its items.
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
  std::function<void()> on_open = {};  // the server accepted the watch
};

struct ApplyOptions {
  bool force = false;  // take over fields of other managers: only for what is ours, or on --adopt
};

struct Preconditions {
  std::string uid = {};
  std::string resource_version = {};
};

// Where the server of a context is, for a transport of the caller's own. Throws Error(kubeconfig) as server_base does.
Endpoint endpoint_of(const ResolvedContext& context);

class KubeClient {
 public:
  // Throws Error(kubeconfig) where the context's certificates or its server cannot be used (server_base).
  KubeClient(asio::any_io_executor executor, ResolvedContext context);
  // The same over another transport, for tests.
  KubeClient(ResolvedContext context, std::unique_ptr<HttpTransport> transport);
  ~KubeClient();
  KubeClient(const KubeClient&) = delete;
  KubeClient& operator=(const KubeClient&) = delete;
  KubeClient(KubeClient&&) = delete;
  KubeClient& operator=(KubeClient&&) = delete;

  // Valid until use_credentials_of.
  [[nodiscard]] const ResolvedContext& context() const;

  // Proves who asks as another context of the same cluster does (same_connection), from the next request on. Requests
  // and watches that are under way go on, and connections are kept where the TLS material is the same. Throws
  // Error(kubeconfig) and changes nothing where the context's certificates cannot be used.
  void use_credentials_of(ResolvedContext context);

  // Asked right before each request is sent that may change something; where the answer is false, it is not sent and
  // throws Error(stale). It must not throw.
  void guard_writes(std::function<bool()> may_write);

  // No request but a watch takes longer, whatever it says itself.
  void limit_requests(std::chrono::milliseconds limit);

  // For a command, whose requests no queue repeats: what the server is too busy for (429 and 5xx with Retry-After) is
  // asked again when it says, as by client-go (rest/with_retry.go), unless that is later than `end`.
  void repeat_until(std::chrono::steady_clock::time_point end);

  // A person asks to try again: a pause after an exec plugin that did not help ends.
  void end_pause();

  // As HttpTransport::release_idle_memory().
  IdleRelease release_idle_memory();

  // Gets the credentials that the next request needs: runs the exec plugin where that is due. Throws as a request does.
  asio::awaitable<void> authenticate();

  asio::awaitable<nlohmann::json> get(ObjectPath path);
  // One page. on_item gets each of its objects in order, a few at a time between turns of the loop, so that neither a
  // large page nor a hostile one keeps the loop busy, and no more than one object is held as a tree.
  asio::awaitable<ListPage> list(ObjectPath collection, ListOptions options,
                                 std::function<void(nlohmann::json&&)> on_item);

  // Server-side apply. `body` is JSON that is also YAML: raw UTF-8, no "\/" (facts of API servers: the body of an
  // apply is parsed as YAML). Answers the object as it is now, as text: there may be thousands to read.
  asio::awaitable<std::string> apply(ObjectPath path, std::string body, ApplyOptions options);

  // RFC 6902. A failed test, and a path that is not there, throw stale: the API server does not tell them apart.
  asio::awaitable<nlohmann::json> json_patch(ObjectPath path, std::string body);

  // POST to a collection, or to a subresource; for evictions, SelfSubjectAccessReview and the like.
  asio::awaitable<nlohmann::json> create(ObjectPath collection, std::string body);

  // DELETE, background propagation. Answers what the server says: the object itself where finalizers hold it back.
  // Throws stale when a precondition fails, not_found when it is gone already.
  asio::awaitable<nlohmann::json> remove(ObjectPath path, Preconditions preconditions);

  // Streams one watch until the server ends it. on_event gets each decoded event {"type":…,"object":…} in order.
  // Throws what opening the stream, or an event of type ERROR, says (expired for 410 in either form).
  asio::awaitable<void> watch(ObjectPath collection, WatchOptions options,
                              std::function<void(const nlohmann::json&)> on_event);

  // GET /version: the cheapest proof that the server is there and takes our credentials.
  asio::awaitable<nlohmann::json> version();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync::kube
