// HTTP to one server: the seam between the Kubernetes client and the network. Behind it is libcurl (curl_multi.hpp,
// curl_endpoint.hpp).
//
// Requests share connections: over TLS they are streams of one HTTP/2 connection. Everything runs on the thread of
// the executor. A request may be cancelled at any time (terminal cancellation of its coroutine): it throws
// Error(cancelled), and its stream is reset.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "helper/base/secret_string.hpp"

namespace regsync::kube {

class CurlMulti;
struct CurlTransfer;

// PEM that a connection is made with. Immutable and shared: requests with equal material share a connection, a
// request with other material gets another one, and what runs on the old one goes on.
struct TlsMaterial {
  std::string ca;           // empty: the system's
  std::string certificate;  // with its chain; empty: no client certificate
  SecretString key;

  bool operator==(const TlsMaterial&) const = default;
};

// What a request carries to prove who we are. Immutable and shared by the requests that carry it.
struct Proof {
  std::vector<std::string> headers;        // "Name: value"
  std::shared_ptr<const TlsMaterial> tls;  // null: none, and the system's certificate authorities
};

struct Endpoint {
  std::string server;           // http(s)://host[:port][/prefix], no trailing "/"
  std::string tls_server_name;  // what the certificate must say, where that is not the host of `server`
  bool insecure_skip_tls_verify = false;
  std::string proxy_url;  // http, https or socks5; empty: direct
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;                // path and query, beginning with "/"
  std::vector<std::string> headers;  // "Name: value", beside those of the proof
  std::string body;
  bool compressed = false;  // ask for gzip; sizes below are those of the unpacked answer
  std::chrono::milliseconds timeout = std::chrono::seconds(60);  // of it all; the first to connect has 30 s for that
  std::size_t max_answer = std::size_t{64} << 20;
  std::shared_ptr<const Proof> proof;  // null: none
};

struct HttpResponse {
  long status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;
  std::string date;              // the header, as it came (RFC 9110, 5.6.7)
  std::string www_authenticate;  // the header; of several, joined with ", "
};

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

class HttpTransport {
 public:
  HttpTransport() = default;
  virtual ~HttpTransport() = default;
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;
  HttpTransport(HttpTransport&&) = delete;
  HttpTransport& operator=(HttpTransport&&) = delete;

  // Any HTTP status is an answer. Throws Error with unreachable, tls, timeout, protocol (an answer over max_answer,
  // or not HTTP) or cancelled. `request` lives until the answer. What a server that closes its connection has left
  // without any answer is sent again, on another one: a request must be one that may arrive twice.
  virtual asio::awaitable<HttpResponse> send(const HttpRequest& request) = 0;

  // A long answer in pieces. With a 2xx status: on_open once, when the head has come, then on_bytes as bytes arrive,
  // both between events of the loop, never inside libcurl. Any other status is answered as send does.
  virtual asio::awaitable<HttpResponse> stream(const HttpRequest& request, std::function<void()> on_open,
                                               std::function<void(std::string_view)> on_bytes) = 0;
};

// When its peer is dead, all that is under way fails with Error(unreachable), and the next request connects anew.
class HttpClient final : public HttpTransport {
 public:
  HttpClient(asio::any_io_executor executor, Endpoint endpoint, Patience patience = {});
  ~HttpClient() override;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  HttpClient(HttpClient&&) = delete;
  HttpClient& operator=(HttpClient&&) = delete;

  asio::awaitable<HttpResponse> send(const HttpRequest& request) override;
  asio::awaitable<HttpResponse> stream(const HttpRequest& request, std::function<void()> on_open,
                                       std::function<void(std::string_view)> on_bytes) override;

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
  std::shared_ptr<CurlMulti> multi_;  // replaced as a whole when its peer is found dead
};

}  // namespace regsync::kube
