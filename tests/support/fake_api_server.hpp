// FakeApiServer is an API server in memory, over plain HTTP/1.1 on loopback, that can inject faults.
//
// It does what a real API server cannot be made to do: answers cut in the middle of an object, half-open connections,
// garbage, 429, a 410 at the right moment. Watches, bookmarks, selectors, pages, server-side apply and the rest behave
// as observed on real servers (fake_cluster.hpp). It stores any resource of the core group and checks no credentials.
// Thread-safe: tests call it from their own thread while it serves.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/api_request.hpp"
#include "tests/support/fake_cluster.hpp"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace regsync::test {

struct Fault {
  enum class Kind {
    status,     // answers `status`, with `retry_after`, and a Status body (or `body`, if set)
    close,      // closes the connection before the first byte of the answer's body
    cut,        // the right answer, but closes the connection after `bytes` of its body
    garbage,    // 200 with something that is not JSON
    slow,       // the right answer, one byte every 10 ms for the first `bytes`, then the rest
    half_open,  // reads the request and never answers
    held,       // the right answer, but only after release_held()
    huge,       // 200 with a JSON string of `bytes`
    packed,     // 200 with `body`, which is gzip
    headers,    // the right answer, with headers of `bytes`
    expired,    // a watch: 200 and an ERROR event with 410
    flood,      // a watch: `bytes` generated events of one object, then its end
  };
  Kind kind = Kind::status;
  std::string verb = {};  // empty: any
  std::string resource = {};
  std::string name_space = {};
  std::string name = {};
  int times = 1;  // -1: until clear_faults()
  int status = 500;
  std::optional<int> retry_after = {};
  std::string body = {};
  std::size_t bytes = 20;
};

class FakeApiServer {
 public:
  explicit FakeApiServer(int port = 0);  // 0: any free one
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;
  FakeApiServer(FakeApiServer&&) = delete;
  FakeApiServer& operator=(FakeApiServer&&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string kubeconfig(const std::vector<std::string>& contexts = {"fake"}) const;

  // The objects. Writes have the field manager of somebody else ("kubectl-edit"), and watches receive them.
  void make_namespace(const std::string& name, const std::map<std::string, std::string>& labels = {});
  void terminate_namespace(const std::string& name);
  std::optional<nlohmann::json> find(const FakeCluster::Key& key) const;
  std::vector<nlohmann::json> find_all(const std::string& resource) const;
  void put(const FakeCluster::Key& key, nlohmann::json object, const std::string& manager = "kubectl-edit");
  bool erase(const FakeCluster::Key& key);
  // backup() copies the objects; restore() resets them, as when etcd is restored: the revision goes back.
  [[nodiscard]] FakeCluster backup() const;
  void restore(const FakeCluster& backup);
  // Drops the history: every earlier watch version and continue token expires.
  void compact();

  // Faults. The first one that matches a request applies, `times` times.
  void inject(Fault fault);
  void clear_faults();
  void release_held();
  // Answers 403 as RBAC does, and denies SelfSubjectAccessReviews. The verb "patch" covers an apply; an empty resource
  // or namespace means all.
  void deny(const std::string& verb, const std::string& resource, const std::string& name_space = {});
  // The same, only for requests that cover all namespaces.
  void deny_cluster_wide(const std::string& verb, const std::string& resource);
  // The same, only for lists and watches without a single name: what a Role with resourceNames does not allow.
  void deny_unnamed(const std::string& resource);
  void allow_all();
  // A mutating admission policy; called with the server's lock held.
  void set_policy(FakeCluster::Policy policy);
  void set_clock_skew(std::chrono::seconds skew) { clock_skew_ = skew; }  // in the Date header
  void set_bookmark_interval(std::chrono::milliseconds interval) { bookmark_interval_ = interval; }
  // Closes the connections of all watches without an event.
  void cut_watches();
  // stop() ends the server; start() restarts it on the same port with the same objects.
  void stop();
  void start();

  // The requests since the last forget_requests().
  [[nodiscard]] std::vector<ApiRequest> requests() const;
  [[nodiscard]] std::size_t count(std::string_view verb, std::string_view resource = {}) const;
  [[nodiscard]] std::size_t writes() const;  // requests that could have changed an object
  [[nodiscard]] std::size_t open_watches() const { return open_watches_; }
  void forget_requests();
  std::vector<ApiRequest> take_requests();  // and forgets them

 private:
  struct Denial {
    std::string verb;
    std::string resource;
    std::string name_space;
    bool cluster_wide = false;  // only requests without a namespace
    bool unnamed = false;       // only requests without an object name
  };
  struct WatchCursor;

  void handle(const httplib::Request& http, httplib::Response& response);
  Answer answer(const ApiRequest& request);
  void watch(const ApiRequest& request, bool metadata_only, const std::optional<Fault>& fault,
             httplib::Response& response);
  bool feed_watch(WatchCursor& cursor, const std::function<bool(std::string_view)>& write);
  std::optional<Fault> take_fault(const ApiRequest& request);
  void wait_for_release();
  bool is_denied(const std::string& verb, const std::string& resource, const std::string& name_space,
                 bool named = true) const;
  std::optional<Answer> denial(const ApiRequest& request) const;

  int port_;
  std::unique_ptr<httplib::Server> http_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> open_watches_ = 0;
  std::atomic<std::chrono::seconds> clock_skew_ = std::chrono::seconds(0);
  std::atomic<std::chrono::milliseconds> bookmark_interval_ = std::chrono::milliseconds(60'000);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FakeCluster cluster_;
  std::vector<Fault> faults_;
  std::vector<Denial> denials_;
  std::vector<ApiRequest> requests_;
  int watch_epoch_ = 0;   // raised by cut_watches
  bool holding_ = false;  // between a fault of kind `held` and release_held
};

}  // namespace regsync::test
