// FakeTransport is a scripted server behind kube::HttpTransport, on the test's own thread: no sockets, threads or
// latency. It gives the scripted answers and records the requests. Unlike FakeApiServer, it does not know the rules of
// Kubernetes.
//
//   test::FakeTransport server(loop.get_executor());
//   server.answer("GET", "/api/v1/namespaces/n/secrets", 200, {{"metadata", {{"resourceVersion", "7"}}}, {"items",
//   {}}}); KubeClient client(std::move(context), server.connect());
//
// Lives on the executor's thread and must outlive every transport and request. It ignores the timeouts of requests, and
// calls may_send when it receives a request.
#pragma once

#include <algorithm>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/async_event.hpp"
#include "sync/kube/http/http_transport.hpp"

namespace regsync::test {

class FakeTransport {
 public:
  // May throw an Error, to simulate a network failure.
  using Answer = std::function<kube::HttpResponse(const kube::HttpRequest&)>;

  explicit FakeTransport(const asio::any_io_executor& executor) : changed_(executor) {}

  // Returns a new transport to this server, for a KubeClient.
  std::unique_ptr<kube::HttpTransport> connect() { return std::make_unique<Connection>(*this); }

  // Answers each request with this method ("" for any) whose target starts with `target`. The last added script that
  // matches applies. A stream (a watch) stays open if no script matches, or if the script answers `opened`; any other
  // request without a script gets a 404.
  void on(std::string method, std::string target, Answer answer) {
    scripts_.push_front({std::move(method), std::move(target), std::move(answer)});
  }
  void answer(std::string method, std::string target, long status, const nlohmann::json& body) {
    on(std::move(method), std::move(target),
       [response = respond(status, body.dump())](const kube::HttpRequest&) { return response; });
  }

  // Removes the scripts for exactly this method and target.
  void forget_scripts(std::string_view method, std::string_view target) {
    std::erase_if(scripts_, [&](const Script& script) { return script.method == method && script.target == target; });
  }

  // The answer for a stream that stays open after these bytes.
  static kube::HttpResponse opened(std::string bytes) { return respond(open_status, std::move(bytes)); }
  static kube::HttpResponse respond(long status, std::string body) {
    kube::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  static nlohmann::json status_body(int code, std::string_view reason, std::string_view message) {
    return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
            {"reason", reason}, {"message", message}, {"code", code}};
  }

  // Between hold() and release(), requests are received but not answered.
  void hold() { holding_ = true; }
  void release() {
    holding_ = false;
    changed_.notify_all();
  }

  // Sends an event to every open stream whose target starts with `target`; returns their number.
  std::size_t send_event(std::string_view target, std::string_view type, const nlohmann::json& object) {
    return send_bytes(target, nlohmann::json{{"type", type}, {"object", object}}.dump() + "\n");
  }
  std::size_t send_bytes(std::string_view target, const std::string& bytes) {
    return for_each_stream(target, [&](Stream& stream) { stream.bytes += bytes; });
  }
  // Sends to each open stream what the function returns for its target.
  void send_each(const std::function<std::string(const std::string& target)>& bytes_for) {
    for_each_stream({}, [&](Stream& stream) { stream.bytes += bytes_for(stream.target); });
  }
  // Ends the streams as a server does at timeoutSeconds.
  std::size_t end_streams(std::string_view target = {}) {
    return for_each_stream(target, [](Stream& stream) { stream.ended = true; });
  }
  // Ends the streams as a proxy does that cuts connections.
  std::size_t cut_streams(std::string_view target = {}) {
    return for_each_stream(target, [](Stream& stream) { stream.ended = stream.cut = true; });
  }
  [[nodiscard]] std::size_t open_streams(std::string_view target = {}) {
    return for_each_stream(target, [](Stream& /*stream*/) {});
  }

  // All requests and streams since forget_requests(), without their proofs.
  [[nodiscard]] const std::vector<kube::HttpRequest>& requests() const { return requests_; }
  [[nodiscard]] std::size_t count(std::string_view method, std::string_view target = {}) const {
    return static_cast<std::size_t>(
        std::count_if(requests_.begin(), requests_.end(), [&](const kube::HttpRequest& request) {
          return request.method == method && request.target.starts_with(target);
        }));
  }
  void forget_requests() { requests_.clear(); }

 private:
  static constexpr long open_status = 0;

  struct Script {
    std::string method;
    std::string target;
    Answer answer;
  };
  struct Stream {
    std::string target;
    std::string bytes = {};  // not yet given to the client
    bool ended = false;
    bool cut = false;
  };

  struct Registration {
    Registration(std::list<Stream>& streams, std::list<Stream>::iterator stream) : in(streams), at(stream) {}
    ~Registration() { in.erase(at); }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    Registration(Registration&&) = delete;
    Registration& operator=(Registration&&) = delete;
    std::list<Stream>& in;
    std::list<Stream>::iterator at;
  };

  class Connection final : public kube::HttpTransport {
   public:
    explicit Connection(FakeTransport& server) : server_(server) {}

    asio::awaitable<kube::HttpResponse> send(const kube::HttpRequest& request) override {
      const Script* const script = co_await server_.receive(request);
      co_return script == nullptr ? not_found() : script->answer(request);
    }
    asio::awaitable<kube::HttpResponse> stream(const kube::HttpRequest& request, std::function<void()> on_open,
                                               std::function<void(std::string_view)> on_bytes) override {
      const Script* const script = co_await server_.receive(request);
      if (script != nullptr) {
        kube::HttpResponse response = script->answer(request);
        if (response.status == open_status) {
          co_await server_.follow({request.target, std::move(response.body)}, std::move(on_open), std::move(on_bytes));
          co_return respond(200, {});
        }
        if (response.status / 100 == 2) {
          on_open ? on_open() : void();
          on_bytes(std::exchange(response.body, {}));
        }
        co_return response;
      }
      co_await server_.follow({request.target}, std::move(on_open), std::move(on_bytes));
      co_return respond(200, {});
    }

   private:
    static kube::HttpResponse not_found() { return respond(404, status_body(404, "NotFound", "not found").dump()); }

    FakeTransport& server_;
  };

  asio::awaitable<const Script*> receive(const kube::HttpRequest& request) {
    requests_.push_back(request);
    requests_.back().proof.reset();
    while (holding_) {
      co_await changed_.wait();
    }
    if (request.may_send && !request.may_send()) {
      throw kube::not_sent();
    }
    const auto found = std::find_if(scripts_.begin(), scripts_.end(), [&](const Script& script) {
      return (script.method.empty() || script.method == request.method) && request.target.starts_with(script.target);
    });
    co_return found == scripts_.end() ? nullptr : &*found;
  }

  asio::awaitable<void> follow(Stream begun, std::function<void()> on_open,
                               std::function<void(std::string_view)> on_bytes) {
    const auto stream = streams_.insert(streams_.end(), std::move(begun));
    const Registration registration{streams_, stream};
    if (on_open) {
      on_open();
    }
    while (!stream->ended || !stream->bytes.empty()) {
      if (stream->bytes.empty()) {
        co_await changed_.wait();
        continue;
      }
      const std::string bytes = std::exchange(stream->bytes, {});
      on_bytes(bytes);
    }
    if (stream->cut) {
      throw Error(ErrorCode::unreachable, "the connection was closed");
    }
  }

  template <typename Action>
  std::size_t for_each_stream(std::string_view target, Action action) {
    std::size_t met = 0;
    for (Stream& stream : streams_) {
      if (stream.target.starts_with(target)) {
        action(stream);
        ++met;
      }
    }
    changed_.notify_all();
    return met;
  }

  AsyncEvent changed_;
  std::list<Script> scripts_;
  std::list<Stream> streams_;
  std::vector<kube::HttpRequest> requests_;
  bool holding_ = false;
};

}  // namespace regsync::test
