#include "tests/support/fake_api_server.hpp"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace regsync::test {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::size_t largest_body = std::size_t{3} << 20;
constexpr const char* json_type = "application/json";

// One thread for each connection: watches hold theirs for minutes, so a pool would starve.
class ThreadPerConnection final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> work) override {
    const std::scoped_lock lock(mutex_);
    std::erase_if(workers_, [](Worker& worker) {
      const bool done = *worker.done;
      if (done) {
        worker.thread.join();
      }
      return done;
    });
    auto done = std::make_shared<std::atomic<bool>>(false);
    workers_.push_back({std::thread([work = std::move(work), done] {
                          work();
                          *done = true;
                        }),
                        done});
  }
  void shutdown() override {
    const std::scoped_lock lock(mutex_);
    for (Worker& worker : workers_) {
      worker.thread.join();
    }
    workers_.clear();
  }

 private:
  struct Worker {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> done;
  };
  std::mutex mutex_;
  std::vector<Worker> workers_;
};

// RFC 9110, 5.6.7.
std::string http_date(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

// Answers kubectl's discovery requests.
std::optional<json> discovery(const std::string& path) {
  if (path == "/version") {
    return json{{"major", "1"}, {"minor", "30"}, {"gitVersion", "v1.30.0-fake"}, {"platform", "linux/amd64"}};
  }
  if (path == "/api") {
    return json{{"kind", "APIVersions"}, {"versions", {"v1"}}};
  }
  if (path == "/apis") {
    return json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", json::array()}};
  }
  if (path == "/api/v1") {
    const auto resource = [](const char* name, const char* single, const char* brief, bool namespaced,
                             const char* kind) {
      return json{{"name", name},
                  {"singularName", single},
                  {"shortNames", json::array({brief})},
                  {"namespaced", namespaced},
                  {"kind", kind},
                  {"verbs", {"create", "delete", "get", "list", "patch", "update", "watch"}}};
    };
    return json{{"kind", "APIResourceList"},
                {"groupVersion", "v1"},
                {"resources",
                 {resource("namespaces", "namespace", "ns", false, "Namespace"),
                  resource("secrets", "secret", "secret", true, "Secret"),
                  resource("serviceaccounts", "serviceaccount", "sa", true, "ServiceAccount")}}};
  }
  return std::nullopt;
}

}  // namespace

// The position of one watch.
struct FakeApiServer::WatchCursor {
  Selection selection;
  bool metadata_only = false;
  std::uint64_t version = 0;  // the last one seen
  int epoch = 0;
  steady_clock::time_point end;
  steady_clock::time_point next_bookmark;
  std::optional<Fault> fault;
};

FakeApiServer::FakeApiServer(int port) : port_(port) { start(); }

FakeApiServer::~FakeApiServer() { stop(); }

void FakeApiServer::start() {
  stopping_ = false;
  http_ = std::make_unique<httplib::Server>();
  http_->new_task_queue = [] { return new ThreadPerConnection; };
  http_->set_tcp_nodelay(true);
  http_->set_keep_alive_max_count(1'000'000);
  http_->set_keep_alive_timeout(600);
  http_->set_payload_max_length(largest_body);
  const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
    handle(request, response);
  };
  http_->Get(".*", handler);
  http_->Post(".*", handler);
  http_->Put(".*", handler);
  http_->Patch(".*", handler);
  http_->Delete(".*", handler);
  socket_t listening = INVALID_SOCKET;
  http_->set_socket_options([&listening](socket_t socket) {
    httplib::default_socket_options(socket);
    listening = socket;
  });
  if (port_ == 0) {
    port_ = http_->bind_to_any_port("127.0.0.1");
  } else if (!http_->bind_to_port("127.0.0.1", port_)) {
    port_ = -1;
  }
  if (port_ < 0) {
    throw std::runtime_error("the fake API server gets no port");
  }
  // The library's backlog is five. The sixth connection of a burst would retry after one second, then two, then four.
  listen(listening, SOMAXCONN);
  thread_ = std::thread([this] { http_->listen_after_bind(); });
  while (!http_->is_running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void FakeApiServer::stop() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::scoped_lock lock(mutex_);  // otherwise a thread that is about to wait would miss it
    stopping_ = true;
  }
  changed_.notify_all();
  http_->stop();
  thread_.join();
}

std::string FakeApiServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::string FakeApiServer::kubeconfig(const std::vector<std::string>& contexts) const {
  json config = {{"apiVersion", "v1"},
                 {"kind", "Config"},
                 {"current-context", contexts.front()},
                 {"clusters", {{{"name", "fake"}, {"cluster", {{"server", url()}}}}}},
                 {"users", {{{"name", "fake"}, {"user", json::object()}}}},
                 {"contexts", json::array()}};
  for (const std::string& context : contexts) {
    config["contexts"].push_back({{"name", context}, {"context", {{"cluster", "fake"}, {"user", "fake"}}}});
  }
  return config.dump(2) + "\n";
}

void FakeApiServer::make_namespace(const std::string& name, const std::map<std::string, std::string>& labels) {
  put({"namespaces", "", name}, {{"metadata", {{"name", name}, {"labels", labels}}}});
}

void FakeApiServer::terminate_namespace(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  cluster_.terminate_namespace(name);
  changed_.notify_all();
}

std::optional<json> FakeApiServer::find(const FakeCluster::Key& key) const {
  const std::scoped_lock lock(mutex_);
  Answer answer = cluster_.get(key);
  return answer.status == 200 ? std::optional(std::move(answer.body)) : std::nullopt;
}

std::vector<json> FakeApiServer::find_all(const std::string& resource) const {
  const std::scoped_lock lock(mutex_);
  return cluster_.list({resource, "", "", ""}, 0, "").body.at("items").get<std::vector<json>>();
}

void FakeApiServer::put(const FakeCluster::Key& key, json object, const std::string& manager) {
  const std::scoped_lock lock(mutex_);
  const bool exists = cluster_.get(key).status == 200;
  const FakeCluster::Write write{manager};
  const Answer answer =
      exists ? cluster_.update(key, std::move(object), write) : cluster_.create(key, std::move(object), write);
  if (answer.status >= 300) {
    throw std::runtime_error("the fake API server refuses: " + answer.body.dump());
  }
  changed_.notify_all();
}

bool FakeApiServer::erase(const FakeCluster::Key& key) {
  const std::scoped_lock lock(mutex_);
  const bool existed = cluster_.remove(key, {}).status == 200;
  changed_.notify_all();
  return existed;
}

void FakeApiServer::compact() {
  const std::scoped_lock lock(mutex_);
  cluster_.compact();
}

void FakeApiServer::inject(Fault fault) {
  const std::scoped_lock lock(mutex_);
  holding_ = holding_ || fault.kind == Fault::Kind::held;
  faults_.push_back(std::move(fault));
}

void FakeApiServer::clear_faults() {
  const std::scoped_lock lock(mutex_);
  faults_.clear();
}

void FakeApiServer::release_held() {
  const std::scoped_lock lock(mutex_);
  holding_ = false;
  changed_.notify_all();
}

void FakeApiServer::wait_for_release() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !holding_; });
}

void FakeApiServer::deny(const std::string& verb, const std::string& resource, const std::string& name_space) {
  const std::scoped_lock lock(mutex_);
  denials_.push_back({verb, resource, name_space});
}

void FakeApiServer::deny_cluster_wide(const std::string& verb, const std::string& resource) {
  const std::scoped_lock lock(mutex_);
  denials_.push_back({verb, resource, "", /*cluster_wide=*/true});
}

void FakeApiServer::deny_unnamed(const std::string& resource) {
  const std::scoped_lock lock(mutex_);
  for (const char* verb : {"list", "watch"}) {
    denials_.push_back({.verb = verb, .resource = resource, .name_space = "", .cluster_wide = false, .unnamed = true});
  }
}

void FakeApiServer::set_policy(FakeCluster::Policy policy) {
  const std::scoped_lock lock(mutex_);
  cluster_.set_policy(std::move(policy));
}

void FakeApiServer::allow_all() {
  const std::scoped_lock lock(mutex_);
  denials_.clear();
}

void FakeApiServer::cut_watches() {
  const std::scoped_lock lock(mutex_);
  ++watch_epoch_;
  changed_.notify_all();
}

std::vector<ApiRequest> FakeApiServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

std::size_t FakeApiServer::count(std::string_view verb, std::string_view resource) const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const ApiRequest& request) {
    return request.verb == verb && (resource.empty() || request.key.resource == resource);
  }));
}

std::size_t FakeApiServer::writes() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), std::mem_fn(&ApiRequest::writes)));
}

FakeCluster FakeApiServer::backup() const {
  const std::scoped_lock lock(mutex_);
  return cluster_;
}

void FakeApiServer::restore(const FakeCluster& backup) {
  {
    const std::scoped_lock lock(mutex_);
    cluster_.restore(backup);
  }
  cut_watches();
}

void FakeApiServer::forget_requests() {
  const std::scoped_lock lock(mutex_);
  requests_.clear();
}

std::vector<ApiRequest> FakeApiServer::take_requests() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(requests_, {});
}

std::optional<Fault> FakeApiServer::take_fault(const ApiRequest& request) {
  const auto fits = [](const std::string& wanted, const std::string& is) { return wanted.empty() || wanted == is; };
  const std::scoped_lock lock(mutex_);
  const auto found = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& fault) {
    return fits(fault.verb, request.verb) && fits(fault.resource, request.key.resource) &&
           fits(fault.name_space, request.key.name_space) && fits(fault.name, request.key.name);
  });
  if (found == faults_.end()) {
    return std::nullopt;
  }
  Fault fault = *found;
  if (found->times == 1) {
    faults_.erase(found);
  } else if (found->times > 0) {
    --found->times;
  }
  return fault;
}

// Call it with the lock held.
bool FakeApiServer::is_denied(const std::string& verb, const std::string& resource, const std::string& name_space,
                              bool named) const {
  return std::any_of(denials_.begin(), denials_.end(), [&](const Denial& denial) {
    return !(denial.unnamed && named) && (denial.verb.empty() || denial.verb == verb) &&
           (denial.resource.empty() || denial.resource == resource) &&
           (denial.cluster_wide ? name_space.empty() : denial.name_space.empty() || denial.name_space == name_space);
  });
}

std::optional<Answer> FakeApiServer::denial(const ApiRequest& request) const {
  const std::string verb = request.verb == "apply" ? "patch" : request.verb;
  const std::scoped_lock lock(mutex_);
  const bool named = !request.key.name.empty() || request.parameter("fieldSelector").starts_with("metadata.name=");
  return is_denied(verb, request.key.resource, request.key.name_space, named) ? std::optional(forbidden(request))
                                                                              : std::nullopt;
}

Answer FakeApiServer::answer(const ApiRequest& request) {
  const std::scoped_lock lock(mutex_);
  if (request.key.resource == "selfsubjectaccessreviews") {
    json review = json::parse(request.body);
    const json asked = review.value("/spec/resourceAttributes"_json_pointer, json::object());
    const bool denied = is_denied(asked.value("verb", ""), asked.value("resource", ""), asked.value("namespace", ""));
    review["status"] = {{"allowed", !denied}};
    return {201, review};
  }
  Answer answer = act(cluster_, request);
  changed_.notify_all();
  return answer;
}

void FakeApiServer::handle(const httplib::Request& http, httplib::Response& response) {
  response.set_header("Date", http_date(std::chrono::system_clock::now() + clock_skew_.load()));
  if (const auto known = discovery(http.path)) {
    response.set_content(known->dump(), json_type);
    return;
  }
  const auto read = read_api_request(http.method, http.path, {http.params.begin(), http.params.end()},
                                     http.get_header_value("Content-Type"), http.body);
  if (!read) {
    response.status = 404;
    response.set_content(status_answer(404, "NotFound", "no such path").body.dump(), json_type);
    return;
  }
  const ApiRequest& request = *read;
  {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(request);
  }
  const bool partial = http.get_header_value("Accept").find("as=PartialObjectMetadata") != std::string::npos;
  const std::optional<Fault> fault = take_fault(request);
  const auto fails_as = [&](Fault::Kind kind) { return fault && fault->kind == kind; };

  if (fails_as(Fault::Kind::held)) {
    wait_for_release();
  }
  if (fails_as(Fault::Kind::half_open)) {
    while (!stopping_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  if (fails_as(Fault::Kind::close) || fails_as(Fault::Kind::half_open)) {
    response.set_chunked_content_provider(json_type, [](std::size_t, httplib::DataSink&) { return false; });
    return;
  }
  if (fails_as(Fault::Kind::garbage)) {
    response.set_content("<html>}{ this is not an API server", "text/html");
    return;
  }
  if (fails_as(Fault::Kind::packed)) {
    response.set_header("Content-Encoding", "gzip");
    response.set_content(fault->body, json_type);
    return;
  }
  if (fails_as(Fault::Kind::headers)) {
    for (std::size_t bytes = 0; bytes < fault->bytes; bytes += 1000) {
      response.headers.emplace("X-Long", std::string(1000, 'x'));
    }
  }
  if (fails_as(Fault::Kind::huge)) {
    response.set_chunked_content_provider(json_type,
                                          [left = fault->bytes](std::size_t, httplib::DataSink& sink) mutable {
                                            const std::string piece(std::min<std::size_t>(left, 65536), 'x');
                                            left -= piece.size();
                                            const bool written = sink.write(piece.data(), piece.size());
                                            if (left == 0) {
                                              sink.done();
                                            }
                                            return written;
                                          });
    return;
  }
  if (fails_as(Fault::Kind::flood)) {
    response.set_chunked_content_provider(json_type, [left = fault->bytes, version = std::uint64_t{1'000'000}](
                                                         std::size_t, httplib::DataSink& sink) mutable {
      std::string batch;
      for (int i = 0; i < 100 && left > 0; ++i, --left) {
        batch += R"({"type":"MODIFIED","object":{"apiVersion":"v1","kind":"Secret","metadata":{"name":"flooded",)"
                 R"("namespace":"n","resourceVersion":")" +
                 std::to_string(++version) + R"("},"type":"Opaque","data":{"key":"dmFsdWU="}}})" + "\n";
      }
      const bool written = sink.write(batch.data(), batch.size());
      if (left == 0) {
        sink.done();
      }
      return written;
    });
    return;
  }
  Answer answer;
  if (fails_as(Fault::Kind::status)) {
    answer = status_answer(fault->status, fault->status == 410 ? "Expired" : "", "an injected fault");
    if (fault->retry_after) {
      response.set_header("Retry-After", std::to_string(*fault->retry_after));
    }
  } else if (auto denied = denial(request)) {
    answer = std::move(*denied);
  } else if (request.verb == "watch") {
    watch(request, partial, fault, response);
    return;
  } else {
    answer = this->answer(request);
  }
  response.status = answer.status;
  if (partial && answer.status < 300) {
    answer.body = metadata_only(std::move(answer.body));
  }
  std::string text = fault && !fault->body.empty() ? fault->body : answer.body.dump();
  if (fails_as(Fault::Kind::cut) || fails_as(Fault::Kind::slow)) {
    const bool cut = fails_as(Fault::Kind::cut);
    response.set_chunked_content_provider(
        json_type, [text = std::move(text), bytes = fault->bytes, cut](std::size_t at, httplib::DataSink& sink) {
          if (cut) {
            sink.write(text.data(), std::min(bytes, text.size()));
            return false;
          }
          if (at >= text.size()) {
            sink.done();
            return true;
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
          return sink.write(text.data() + at, at < bytes ? 1 : text.size() - at);
        });
    return;
  }
  response.set_content(text, json_type);
}

void FakeApiServer::watch(const ApiRequest& request, bool metadata_only, const std::optional<Fault>& fault,
                          httplib::Response& response) {
  const std::string since = request.parameter("resourceVersion");
  const std::string seconds = request.parameter("timeoutSeconds");
  const auto cursor = std::make_shared<WatchCursor>();
  cursor->selection = request.selection();
  cursor->metadata_only = metadata_only;
  cursor->version = since.empty() ? 0 : std::stoull(since);
  cursor->end = steady_clock::now() + std::chrono::seconds(seconds.empty() ? 1800 : std::stol(seconds));
  cursor->next_bookmark = steady_clock::now() + bookmark_interval_.load();
  cursor->fault = fault;
  {
    const std::scoped_lock lock(mutex_);
    cursor->epoch = watch_epoch_;
  }
  ++open_watches_;
  response.set_chunked_content_provider(
      json_type,
      [this, cursor](std::size_t, httplib::DataSink& sink) {
        const auto write = [&](std::string_view text) { return sink.write(text.data(), text.size()); };
        const bool goes_on = feed_watch(*cursor, write) && sink.is_writable();
        if (goes_on && steady_clock::now() >= cursor->end) {
          sink.done();
        }
        return goes_on;
      },
      [this](bool) { --open_watches_; });
}

// Waits a moment for events and writes them; returns false to end the connection.
bool FakeApiServer::feed_watch(WatchCursor& cursor, const std::function<bool(std::string_view)>& write) {
  std::vector<std::string> lines;
  const auto tell = [&](json event) {
    if (cursor.metadata_only && event["type"] != "ERROR") {
      event["object"] = metadata_only(std::move(event["object"]));
    }
    lines.push_back(event.dump() + "\n");
  };
  bool expired = cursor.fault && cursor.fault->kind == Fault::Kind::expired;
  {
    std::unique_lock lock(mutex_);
    const auto news = [&] { return stopping_ || watch_epoch_ != cursor.epoch || cluster_.version() > cursor.version; };
    if (!expired) {
      changed_.wait_for(lock, std::chrono::milliseconds(50), news);
    }
    if (stopping_ || watch_epoch_ != cursor.epoch) {
      return false;
    }
    // A watch cannot continue from a version older than the history.
    expired = expired || cursor.version + 1 < cluster_.oldest();
    if (!expired) {
      const auto& history = cluster_.history();
      const auto next =
          std::upper_bound(history.begin(), history.end(), cursor.version,
                           [](std::uint64_t version, const ClusterEvent& event) { return version < event.version; });
      for (auto event = next; event != history.end(); ++event) {
        if (auto seen = event->as_seen_by(cursor.selection)) {
          tell(std::move(*seen));
        }
        cursor.version = event->version;
      }
      if (steady_clock::now() >= cursor.next_bookmark) {
        cursor.next_bookmark += bookmark_interval_.load();
        tell({{"type", "BOOKMARK"},
              {"object", {{"metadata", {{"resourceVersion", std::to_string(cluster_.version())}}}}}});
      }
    }
  }
  if (expired) {
    tell({{"type", "ERROR"}, {"object", status_answer(410, "Expired", "too old resource version").body}});
  }
  for (const std::string& line : lines) {
    if (cursor.fault && cursor.fault->kind == Fault::Kind::cut) {
      write(std::string_view(line).substr(0, cursor.fault->bytes));
      return false;
    }
    if (!write(line)) {
      return false;
    }
  }
  return !expired;
}

}  // namespace regsync::test
