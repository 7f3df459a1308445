// HTTP to one server over libcurl (curl_multi.hpp, curl_endpoint.hpp).
//
// Requests share connections: over TLS they are streams of one HTTP/2 connection. The stream of a cancelled request is
// reset. Redirects are not followed, so that no credentials are sent to their targets. Lives on the thread of the
// executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "sync/kube/http/http_transport.hpp"

namespace regsync::kube {

class CurlMulti;
class CurlTransfer;

// When a peer counts as dead. The kernel's keepalive, which wakes no process, detects a dead machine and a dead network
// within 40 s. It cannot detect a frozen server, or a middlebox that keeps a dead connection up. For these, the client
// sends a small request (GET /version) on the same connection after nothing at all has arrived on it
//  - for `silence` while a request waits: within 45 s with its `answer` (client-go's HTTP/2 pings: 30 s and 15 s);
//  - for `quiet` while only streams wait: kube-apiserver sends each watch a bookmark per minute, and is probed when two
//    of them are missing (or at this interval if it sends none).
struct Patience {
  std::chrono::milliseconds silence = std::chrono::seconds(35);
  std::chrono::milliseconds quiet = std::chrono::seconds(120);
  std::chrono::milliseconds answer = std::chrono::seconds(10);
};

// The parts that add speed, or handle defects of libcurl 7.88 and silent peers. All are enabled; disabling one serves
// to measure its benefit (tests/bench/http-parts).
struct HttpParts {
  bool read_in_batches = true;       // answer_batches.hpp
  bool mend_stalled_answers = true;  // stalled_answers.hpp
  bool ask_silent_peers = true;      // silent_peer.hpp
};

// When the peer is dead, all requests in progress fail with Error(unreachable), and the next request makes a new
// connection.
class HttpClient final : public HttpTransport {
 public:
  HttpClient(asio::any_io_executor executor, Endpoint endpoint, Patience patience = {}, HttpParts parts = {});
  ~HttpClient() override;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  HttpClient(HttpClient&&) = delete;
  HttpClient& operator=(HttpClient&&) = delete;

  asio::awaitable<HttpResponse> send(const HttpRequest& request) override;
  asio::awaitable<HttpResponse> stream(const HttpRequest& request, std::function<void()> on_open,
                                       std::function<void(std::string_view)> on_bytes) override;
  IdleRelease release_idle_memory() override;

 private:
  asio::awaitable<HttpResponse> exchange(const HttpRequest& request, std::function<void()> on_open,
                                         std::function<void(std::string_view)> on_bytes);
  asio::awaitable<void> follow(CurlTransfer& transfer, const std::function<void()>& on_open,
                               const std::function<void(std::string_view)>& on_bytes);
  asio::awaitable<void> wait_for_news(CurlTransfer& transfer);
  asio::awaitable<void> check_peer(const CurlTransfer& transfer);

  asio::any_io_executor executor_;
  Endpoint endpoint_;
  Patience patience_;
  HttpParts parts_;
  std::shared_ptr<CurlMulti> multi_;  // replaced as a whole when the peer is found dead
};

}  // namespace regsync::kube
