// HTTP to one server over libcurl (curl_multi.hpp, curl_endpoint.hpp).
//
// Requests share connections: over TLS they are streams of one HTTP/2 connection. The stream of a cancelled request is
// reset. Redirects are not followed, so no credential goes where they lead. Lives on the thread of the executor.
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

// When a peer counts as dead. The kernel's keepalive, which wakes nobody, finds a dead machine and a dead network
// within 40 s. What it cannot find, a frozen server and a middlebox that keeps a dead connection up, is found by a
// small request (GET /version) on the same connection, when nothing at all has come over it
//  - for `silence` while a request waits: within 45 s with its `answer` (client-go's HTTP/2 pings: 30 s and 15 s);
//  - for `quiet` while only streams wait: kube-apiserver tells each watch a bookmark a minute, and is asked when two of
//    them are missing (or at this pace where it sends none).
struct Patience {
  std::chrono::milliseconds silence = std::chrono::seconds(35);
  std::chrono::milliseconds quiet = std::chrono::seconds(120);
  std::chrono::milliseconds answer = std::chrono::seconds(10);
};

// The parts that are there for speed, and against faults of libcurl 7.88 and silent peers. All are on; without one it
// can be measured what it is worth (tests/bench/http-parts).
struct HttpParts {
  bool read_in_batches = true;       // answer_batches.hpp
  bool mend_stalled_answers = true;  // stalled_answers.hpp
  bool ask_silent_peers = true;      // silent_peer.hpp
};

// When its peer is dead, all that is under way fails with Error(unreachable), and the next request connects anew.
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
  std::shared_ptr<CurlMulti> multi_;  // replaced as a whole when its peer is found dead
};

}  // namespace regsync::kube
