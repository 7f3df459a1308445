// A request to one endpoint as options of a libcurl handle. One io_context thread.
//
// The environment decides as for kubectl: SSL_CERT_FILE and SSL_CERT_DIR replace the system's file and folders of
// certificate authorities, each by itself (Go: crypto/x509 root_unix.go), where the context names none; DISABLE_HTTP2,
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

// How many bytes of an answer libcurl holds that nobody has taken yet.
inline constexpr long answer_buffer = 16 * 1024;
// Likewise of a stream: a watch's events are small and rare, and there are many watches.
inline constexpr long stream_buffer = 4 * 1024;
// Of a body that is sent: the least that libcurl takes. Each context keeps one from its first write on.
inline constexpr long body_buffer = 16 * 1024;

// libcurl for this process. Any number of times; before anything else of it. Its memory holds headers and bodies, and
// is wiped when freed as all of the programs' is (helper/base/wiping_free.cpp).
void initialise_curl();

class CurlEndpoint {
 public:
  // Throws Error(kubeconfig) where tls_server_name is no host name, or the proxy cannot be used.
  explicit CurlEndpoint(const Endpoint& endpoint);

  // A handle with what all requests to the endpoint have in common; a streaming one is for one long answer. Lives
  // shorter than this, and than the material.
  [[nodiscard]] CurlEasy make_handle(const TlsMaterial& tls, bool streaming) const;

  // Makes the handle, new or used, ask for this, save that the time it has is not libcurl's business. Request and
  // headers (filled here) outlive the transfer.
  void configure(CURL* easy, const HttpRequest& request, CurlList& headers) const;

  // Whether the connection of a transfer keeps the buffers of its TLS records, 21 KiB, while it waits for the next one.
  static void keep_tls_buffers(CURL* easy, bool keep);

  // Why the server refuses the client certificate, where a transfer that ends now with this result may have failed by
  // that; null otherwise.
  [[nodiscard]] const char* refusal_of(CURLcode result) const;
  // An answer came: what was refused before is no reason of what fails later.
  void note_answer() const { for_callbacks_.alert = 0; }

  struct Failure {
    CURL* easy = nullptr;
    const TlsMaterial& tls;  // that the handle was made with
    CURLcode result = CURLE_OK;
    const char* detail = "";        // of CURLOPT_ERRORBUFFER
    const char* refusal = nullptr;  // refusal_of(result) when it ended
  };
  // What a transfer failed with, as a person should read it.
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
  std::string base_;          // what stands before a request's target
  std::string prefix_;        // the path of base_; this and the next for TLS only
  CurlUrl base_url_;          // base_, parsed
  std::string host_;          // the Host header, where `base_` names somebody else
  CurlList connect_to_;       // CURLOPT_CONNECT_TO
  Proxy proxy_;               // no url: none
  std::string proxy_source_;  // Endpoint::proxy_source
  bool speaks_http2_;
  // What the callbacks of a connection are given.
  struct ForCallbacks {
    std::string ca_file = {};     // SSL_CERT_FILE
    std::string ca_folders = {};  // SSL_CERT_DIR
    // The last TLS alert (RFC 8446, 6.2) since a transfer was answered, or failed by something else; or 0. With TLS 1.3
    // a server refuses a client certificate after the handshake, when libcurl knows of nothing but a connection that
    // closes; it may read the alert when the next connection is made already.
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
