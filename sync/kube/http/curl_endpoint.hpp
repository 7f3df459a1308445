// CurlEndpoint sets the options of libcurl handles for requests to one endpoint. One io_context thread.
//
// The environment decides as for kubectl: SSL_CERT_FILE and SSL_CERT_DIR replace the system's file and folders of
// certificate authorities, each independently (Go: crypto/x509 root_unix.go), if the context names none; DISABLE_HTTP2,
// not empty, means HTTP/1.1 (k8s.io/apimachinery pkg/util/net/http.go, SetTransportDefaults).
#pragma once

#include <curl/curl.h>
#include <openssl/types.h>

#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/kube/http/curl_ptr.hpp"
#include "sync/kube/http/http_transport.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::kube {

// The size of libcurl's receive buffer for an answer, in bytes.
inline constexpr long answer_buffer = 16 * 1024;
// The same for a stream: a watch's events are small and rare, and there are many watches.
inline constexpr long stream_buffer = 4 * 1024;
// The size of libcurl's upload buffer: the smallest that it accepts. Each context keeps one from its first write on.
inline constexpr long body_buffer = 16 * 1024;

// Initialises libcurl for this process. Call it before any other use of libcurl; repeated calls are harmless. Its
// memory holds headers and bodies, and is wiped when freed, as is all memory of the programs
// (helper/base/wiping_free.cpp).
void initialise_curl();

class CurlEndpoint {
 public:
  // Throws Error(kubeconfig) if tls_server_name is not a host name, or the proxy is unusable.
  explicit CurlEndpoint(const Endpoint& endpoint);

  // A handle with the options common to all requests to the endpoint; a streaming one is for one long answer. This
  // object and the material must outlive it.
  [[nodiscard]] CurlEasy make_handle(const TlsMaterial& tls, bool streaming) const;

  // Configures a new or used handle for this request, except for its timeout, which libcurl does not enforce. The
  // request and the headers (filled here) must outlive the transfer.
  void configure(CURL* easy, const HttpRequest& request, CurlList& headers) const;

  // Sets whether the connection of a transfer keeps the buffers of its TLS records, 21 KiB, between records.
  static void keep_tls_buffers(CURL* easy, bool keep);

  // The reason why the server refuses the client certificate, if that may have caused this result of a transfer that
  // ends now; null otherwise.
  [[nodiscard]] const char* refusal_of(CURLcode result) const;
  // An answer arrived: an earlier refusal does not explain later failures.
  void note_answer() const { for_callbacks_.alert = 0; }

  struct Failure {
    CURL* easy = nullptr;
    const TlsMaterial& tls;  // the material that the handle was made with
    CURLcode result = CURLE_OK;
    const char* detail = "";        // from CURLOPT_ERRORBUFFER
    const char* refusal = nullptr;  // refusal_of(result) when it ended
  };
  // The error of a failed transfer, worded for users.
  [[nodiscard]] Error error_of(const Failure& failure) const;

 private:
  void name_server(const Url& url, const std::string& tls_server_name);
  void choose_proxy(const Endpoint& endpoint);
  void choose_roots(CURL* easy, const TlsMaterial& tls) const;
  [[nodiscard]] std::optional<Error> proxys_refusal(CURL* easy) const;
  [[nodiscard]] bool ends_at_proxy(CURL* easy) const;
  [[nodiscard]] std::string named_proxy() const;
  [[nodiscard]] std::string words_of(const Failure& failure) const;
  [[nodiscard]] std::string remedy_of(ErrorCode code, const TlsMaterial& tls) const;

  bool is_tls_ = false;
  bool verifies_;
  std::string server_;        // as it was given, for messages
  std::string base_;          // precedes a request's target
  std::string prefix_;        // the path of base_; this and the next for TLS only
  CurlUrl base_url_;          // base_, parsed
  std::string host_;          // the Host header, if `base_` names another host
  CurlList connect_to_;       // CURLOPT_CONNECT_TO
  Proxy proxy_;               // without url: none
  std::string proxy_source_;  // Endpoint::proxy_source
  bool speaks_http2_;
  // The data of a connection's callbacks.
  struct ForCallbacks {
    std::string ca_file = {};     // SSL_CERT_FILE
    std::string ca_folders = {};  // SSL_CERT_DIR
    // The last TLS alert (RFC 8446, 6.2) since a transfer was answered or failed for another reason; or 0. With TLS 1.3
    // a server refuses a client certificate after the handshake, when libcurl sees only a closing connection; it may
    // read the alert after the next connection has been made.
    int alert = 0;
    bool met_no_tls = false;  // in the newest handshake
  };
  static void note_tls(const SSL* tls, int where, int value);
  static CURLcode configure_tls(CURL* easy, void* context, void* given);
  static CURLcode configure_tls_and_roots(CURL* easy, void* context, void* given);
  mutable ForCallbacks for_callbacks_;
};

template <typename Value>
void set_option(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code != CURLE_OK) {
    throw Error(ErrorCode::internal,
                "libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(code));
  }
}

}  // namespace regsync::kube
