// The seam between the Kubernetes client and the network: requests to one server, and their answers. HttpClient is the
// network behind it.
//
// Everything runs on the thread of one executor. A request may be cancelled at any time (terminal cancellation of its
// coroutine): it throws Error(cancelled).
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/secret_string.hpp"
#include "sync/base/idle_release.hpp"

namespace regsync::kube {

// PEM that a connection is made with. Immutable and shared: requests with equal material share a connection, a
// request with other material gets another one, and what runs on the old one goes on.
struct TlsMaterial {
  std::string ca;           // empty: the system's
  std::string certificate;  // with its chain; empty: no client certificate
  SecretString key;

  bool operator==(const TlsMaterial&) const = default;
};

// What a request carries to prove who we are. Immutable and shared by the requests that carry it.
struct RequestCredentials {
  std::vector<std::string> headers;        // "Name: value"
  std::shared_ptr<const TlsMaterial> tls;  // null: none, and the system's certificate authorities
};

struct Endpoint {
  std::string server;           // http(s)://host[:port][/prefix], no trailing "/"
  std::string tls_server_name;  // what the certificate must say, where that is not the host of `server`
  bool insecure_skip_tls_verify = false;
  std::string proxy_url;          // empty: direct
  std::string proxy_source = {};  // for messages: the variable of the environment, or "proxy-url"
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;                // path and query, beginning with "/"
  std::vector<std::string> headers;  // "Name: value", beside those of the proof
  std::string body;
  bool compressed = false;  // ask for gzip; sizes below are those of the unpacked answer
  std::chrono::milliseconds timeout = std::chrono::seconds(60);  // of it all; the first to connect has 30 s for that
  std::size_t max_answer = std::size_t{8} << 20;
  std::shared_ptr<const RequestCredentials> proof;  // null: none
  // Asked when a connection is ready, right before the request is written to it; false: it is not sent, and fails with
  // stale. It must not throw. Empty: it may.
  std::function<bool()> may_send;
};

// What a request throws where the server refuses the client certificate, or asks for one: by an alert of TLS, where a
// token would be answered by 401.
struct CertificateRefused : Error {
  using Error::Error;
  explicit CertificateRefused(const Error& error) : Error(error) {}
};

// What a request throws that may not be sent.
inline Error not_sent() {
  return {ErrorCode::stale, "the request was not sent, because another replica may write now", "nothing to do"};
}

struct HttpResponse {
  long status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;  // at most longest_retry_after
  std::string date;                                 // the header, as it came (RFC 9110, 5.6.7)
  std::string www_authenticate;                     // the header; of several, joined with ", "
  std::string location;                             // the header of a redirect, which no transport follows
  std::string content_type;                         // the header, as it came
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

  // Called from time to time while nothing is to be asked: gives back what the next request can make anew.
  virtual IdleRelease release_idle_memory() { return {}; }

  // A long answer in pieces. With a 2xx status: on_open once, when the head has come, then on_bytes as bytes arrive,
  // both between events of the loop, never inside libcurl. Any other status is answered as send does.
  virtual asio::awaitable<HttpResponse> stream(const HttpRequest& request, std::function<void()> on_open,
                                               std::function<void(std::string_view)> on_bytes) = 0;
};

}  // namespace regsync::kube
