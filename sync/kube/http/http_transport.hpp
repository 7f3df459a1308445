// HttpTransport is the interface between the Kubernetes client and the network: requests to one server, and their
// answers. HttpClient implements it over the network.
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

// The PEM data for a connection. Immutable and shared: requests with equal material share a connection; a request with
// other material gets another one, while those on the old one continue.
struct TlsMaterial {
  std::string ca;           // empty: the system's
  std::string certificate;  // with its chain; empty: no client certificate
  SecretString key;

  bool operator==(const TlsMaterial&) const = default;
};

// The credentials of a request. Immutable and shared by the requests that carry them.
struct RequestCredentials {
  std::vector<std::string> headers;        // "Name: value"
  std::shared_ptr<const TlsMaterial> tls;  // null: no client certificate, the system's authorities
};

struct Endpoint {
  std::string server;           // http(s)://host[:port][/prefix], no trailing "/"
  std::string tls_server_name;  // the certificate's name, if not the host of `server`
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
  std::chrono::milliseconds timeout = std::chrono::seconds(60);  // of the whole request; the first has 30 s to connect
  std::size_t max_answer = std::size_t{8} << 20;
  std::shared_ptr<const RequestCredentials> proof;  // null: none
  // Called when a connection is ready, right before the request is written to it. If it returns false, the request is
  // not sent and fails with stale. Must not throw. If empty, the request may be sent.
  std::function<bool()> may_send;
};

// The server refuses the client certificate or asks for one: by a TLS alert, where a bad token would get a 401.
struct CertificateRefused : Error {
  using Error::Error;
  explicit CertificateRefused(const Error& error) : Error(error) {}
};

// The error of a request that may not be sent.
inline Error not_sent() {
  return {ErrorCode::stale, "the request was not sent, because another replica may write now", "nothing to do"};
}

struct HttpResponse {
  long status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;  // at most longest_retry_after
  std::string date;                                 // the header as received (RFC 9110, 5.6.7)
  std::string www_authenticate;                     // the header; several are joined with ", "
  std::string location;                             // the header of a redirect, which no transport follows
  std::string content_type;                         // the header as received
};

class HttpTransport {
 public:
  HttpTransport() = default;
  virtual ~HttpTransport() = default;
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;
  HttpTransport(HttpTransport&&) = delete;
  HttpTransport& operator=(HttpTransport&&) = delete;

  // Any HTTP status is an answer. Throws Error with unreachable, tls, timeout, protocol (an answer over max_answer, or
  // not HTTP) or cancelled. `request` must live until the answer. If a server closes the connection without any answer,
  // the request is sent again on another one, so it must be one that may arrive twice.
  virtual asio::awaitable<HttpResponse> send(const HttpRequest& request) = 0;

  // Called from time to time while there are no requests: releases memory that the next request can allocate again.
  virtual IdleRelease release_idle_memory() { return {}; }

  // A long answer in pieces. With a 2xx status, calls on_open once, when the head has arrived, then on_bytes as bytes
  // arrive, both between events of the loop, never inside libcurl. Any other status is returned as by send().
  virtual asio::awaitable<HttpResponse> stream(const HttpRequest& request, std::function<void()> on_open,
                                               std::function<void(std::string_view)> on_bytes) = 0;
};

}  // namespace regsync::kube
