// FakeKube is an API server in memory behind kube::HttpTransport, on the test's own thread: the rules of FakeCluster,
// and watches that receive each change, without sockets or latency. It tests how a Cluster and its parts react to one
// cluster, in milliseconds; FakeApiServer covers network faults.
//
//   test::FakeKube kube(loop.get_executor());
//   KubeClient client(std::move(context), kube.transport.connect());
//
// Lives on the executor's thread and must outlive every transport and request.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/api_request.hpp"
#include "tests/support/fake_cluster.hpp"
#include "tests/support/fake_transport.hpp"

namespace regsync::test {

class FakeKube {
 public:
  using Key = FakeCluster::Key;

  explicit FakeKube(const asio::any_io_executor& executor) : transport(executor) {
    transport.on("", "", [this](const kube::HttpRequest& request) { return answer(request); });
  }

  // Scripts added to it take precedence over the server's own answers.
  FakeTransport transport;
  // Decides which requests RBAC forbids.
  std::function<bool(const ApiRequest&)> forbids = [](const ApiRequest&) { return false; };
  FakeCluster cluster;

  // Writes with the field manager of somebody else; watches receive the change.
  void put(const Key& key, nlohmann::json object, const std::string& manager = "kubectl-edit") {
    const bool exists = cluster.get(key).status == 200;
    const FakeCluster::Write write{manager};
    const Answer made =
        exists ? cluster.update(key, std::move(object), write) : cluster.create(key, std::move(object), write);
    if (made.status >= 300) {
      throw std::runtime_error("refused: " + made.body.dump());
    }
    tell();
  }
  void make_namespace(const std::string& name, const nlohmann::json& labels = nlohmann::json::object()) {
    put({"namespaces", "", name}, {{"metadata", {{"name", name}, {"labels", labels}}}});
  }
  bool erase(const Key& key) {
    const bool existed = cluster.remove(key, {}).status == 200;
    tell();
    return existed;
  }
  // Applies `change` to an object and writes it as put() does.
  void edit(const Key& key, const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json object = find(key).value();
    change(object);
    object["metadata"].erase("resourceVersion");
    put(key, std::move(object));
  }
  [[nodiscard]] std::optional<nlohmann::json> find(const Key& key) const {
    Answer answer = cluster.get(key);
    return answer.status == 200 ? std::optional(std::move(answer.body)) : std::nullopt;
  }

  // Returns the server's own answer, for use in scripts.
  kube::HttpResponse answer(const kube::HttpRequest& http) {
    const ApiRequest request = read(http);
    requests_.push_back(request);
    if (forbids(request)) {
      return FakeTransport::respond(403, forbidden(request).body.dump());
    }
    if (request.verb == "watch") {
      return open_watch(request);
    }
    const Answer answer = act(cluster, request);
    tell();
    return FakeTransport::respond(answer.status, answer.body.dump());
  }

  // The requests that reached the server itself, since forget_requests().
  [[nodiscard]] const std::vector<ApiRequest>& requests() const { return requests_; }
  void forget_requests() { requests_.clear(); }
  [[nodiscard]] std::size_t count(std::string_view verb, std::string_view resource = {}) const {
    return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const ApiRequest& request) {
      return request.verb == verb && (resource.empty() || request.key.resource == resource);
    }));
  }
  [[nodiscard]] std::size_t writes() const {
    return static_cast<std::size_t>(
        std::count_if(requests_.begin(), requests_.end(), [](const auto& request) { return request.writes(); }));
  }
  // The number of open watches.
  [[nodiscard]] std::size_t watches(std::string_view target = {}) { return transport.open_streams(target); }

 private:
  static ApiRequest read(const kube::HttpRequest& request) {
    const auto question = request.target.find('?');
    const bool applies = std::any_of(request.headers.begin(), request.headers.end(), [](const std::string& header) {
      return header.find("apply-patch") != std::string::npos;
    });
    return read_api_request(request.method, request.target.substr(0, question),
                            read_query(question == std::string::npos ? "" : request.target.substr(question + 1)),
                            applies ? "application/apply-patch+yaml" : "", request.body)
        .value();
  }

  kube::HttpResponse open_watch(const ApiRequest& request) {
    const auto since = std::stoull(request.parameter("resourceVersion"));
    if (since + 1 < cluster.oldest()) {
      const nlohmann::json expired{{"type", "ERROR"}, {"object", status_answer(410, "Expired", "too old").body}};
      return FakeTransport::respond(200, expired.dump() + "\n");
    }
    return FakeTransport::opened(events(request.selection(), since));
  }

  // Returns the events of a watch after a version.
  [[nodiscard]] std::string events(const Selection& selection, std::uint64_t after) const {
    std::string lines;
    const auto& history = cluster.history();  // sorted by version; new events are at the end
    const auto first = std::partition_point(history.begin(), history.end(),
                                            [&](const ClusterEvent& event) { return event.version <= after; });
    std::for_each(first, history.end(), [&](const ClusterEvent& event) {
      const auto seen = event.as_seen_by(selection);
      lines += seen ? seen->dump() + "\n" : "";
    });
    return lines;
  }

  void tell() {
    const auto after = std::exchange(told_, cluster.version());
    transport.send_each([&](const std::string& target) {
      kube::HttpRequest request;
      request.target = target;
      return events(read(request).selection(), after);
    });
  }

  std::vector<ApiRequest> requests_;
  std::uint64_t told_ = 0;  // every open watch has received the events up to this version
};

}  // namespace regsync::test
