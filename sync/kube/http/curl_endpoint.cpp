#include "sync/kube/http/curl_endpoint.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "helper/base/guarded.hpp"
#include "helper/base/text.hpp"
#include "sync/kube/http/certificate_authorities.hpp"
#include "sync/kube/http/pem.hpp"

namespace regsync::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Close to client-go's net.Dialer.KeepAlive: after this time the kernel probes the other kernel, and again after five
// seconds. Detects a dead machine or network (Patience), and leaves time for another check after a watch was cut.
constexpr seconds keepalive_interval = seconds(27);
constexpr seconds keepalive_repeat = seconds(5);
// The kernel drops the connection if bytes or probes stay unacknowledged for this long (tcp(7)).
constexpr unsigned tcp_user_timeout_ms = 15'000;
// The longest TLS record that we send, in bytes: most bodies fit, and each connection has a buffer of this size.
constexpr long longest_record = 4 * 1024;

// Over HTTP/1.1 libcurl sends "Expect: 100-continue" for larger bodies (EXPECT_100_THRESHOLD).
constexpr std::size_t expect_threshold = 1024 * 1024;

// Whether libcurl returns this if the server closes a connection with an alert, in the handshake or after it (TLS 1.3).
bool may_be_of_an_alert(CURLcode result) {
  switch (result) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

// The meaning of an alert by which a server refuses the client certificate, or asks for one; null for others.
const char* certificate_refusal(int alert) {
  switch (alert) {
    case SSL3_AD_BAD_CERTIFICATE:
    case SSL3_AD_UNSUPPORTED_CERTIFICATE:
    case SSL3_AD_CERTIFICATE_UNKNOWN:
    case TLS1_AD_ACCESS_DENIED:
      return "it does not accept it";
    case SSL3_AD_CERTIFICATE_REVOKED:
      return "it is revoked";
    case SSL3_AD_CERTIFICATE_EXPIRED:
      return "it has expired";
    case TLS1_AD_UNKNOWN_CA:
      return "it does not know its issuer";
    case TLS13_AD_CERTIFICATE_REQUIRED:
      return "there is none";
    default:
      return nullptr;
  }
}

void append(CurlList& list, const char* header) {
  curl_slist* longer = curl_slist_append(list.get(), header);
  if (longer == nullptr) {
    throw std::bad_alloc();
  }
  [[maybe_unused]] const curl_slist* const same = list.release();
  list.reset(longer);
}

// Not copied: the TlsMaterial outlives the handle.
void set_blob(CURL* easy, CURLoption option, std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  curl_blob blob{};
  blob.data = const_cast<char*>(bytes.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast): libcurl only reads
  blob.len = bytes.size();
  blob.flags = CURL_BLOB_NOCOPY;
  set_option(easy, option, &blob);
}

ErrorCode code_of(CURLcode code, long os_errno) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::timeout;
    case CURLE_SSL_CONNECT_ERROR:
      return os_errno == ECONNRESET ? ErrorCode::unreachable : ErrorCode::tls;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return ErrorCode::tls;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorCode::kubeconfig;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return ErrorCode::protocol;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_FAILED_INIT:
      return ErrorCode::internal;
    default:
      return ErrorCode::unreachable;
  }
}

// Why there is no connection, worded for users; nullopt if libcurl's message is good enough.
std::optional<std::string> why_unconnected(CURLcode code, long os_errno) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "the host name cannot be resolved";
    case CURLE_COULDNT_CONNECT: {
      if (os_errno == 0) {
        return std::nullopt;
      }
      std::string reason = std::generic_category().message(static_cast<int>(os_errno));
      reason.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(reason.front())));
      return reason;
    }
    default:
      return std::nullopt;
  }
}

// The status of a proxy's answer to CONNECT; 0 if there is none.
long connect_code(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return status;
}

int configure_socket(void* /*given*/, curl_socket_t fd, curlsocktype /*purpose*/) {
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &tcp_user_timeout_ms, sizeof tcp_user_timeout_ms);
  return CURL_SOCKOPT_OK;
}

std::string own_environment(std::string_view name) { return process_environment(name).value_or(""); }

int ask_permission(void* request, char* /*to*/, char* /*from*/, int /*to_port*/, int /*from_port*/) {
  return static_cast<const HttpRequest*>(request)->may_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

}  // namespace

void initialise_curl() {
  static const CURLcode once = [] {
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): OpenSSL writes to sockets closed by peers
    return curl_global_init(CURL_GLOBAL_DEFAULT);
  }();
  if (once != CURLE_OK) {
    throw Error(ErrorCode::internal, "libcurl does not start: " + std::string(curl_easy_strerror(once)));
  }
}

// Called by OpenSSL for whatever happens on a connection.
void CurlEndpoint::note_tls(const SSL* tls, int where, int value) {
  auto& noted = *static_cast<ForCallbacks*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)));
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL) {
    noted.alert = value & 0xFF;
  }
  if ((where & SSL_CB_CONNECT_EXIT) == SSL_CB_CONNECT_EXIT) {
    noted.met_no_tls = value <= 0 && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_WRONG_VERSION_NUMBER;
  }
}

// libcurl makes OpenSSL free its buffers after each record: 17 kB to allocate and to wipe, four times per request.
// Debian's OpenSSL requires RSA keys of 2048 bits (level 2). Go, and so kubectl, accepts 1024 (crypto/tls): level 1.
// Both refuse signatures with SHA-1.
CURLcode CurlEndpoint::configure_tls(CURL* /*easy*/, void* context, void* given) {
  auto* const tls = static_cast<SSL_CTX*>(context);
  SSL_CTX_set_security_level(tls, 1);
  try_each_issuer(SSL_CTX_get_cert_store(tls));
  SSL_CTX_clear_mode(tls, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_send_fragment(tls, longest_record);
  SSL_CTX_set_app_data(tls, given);
  SSL_CTX_set_info_callback(tls, &note_tls);
  return CURLE_OK;
}

// Reads the roots itself: libcurl and OpenSSL reject a bundle with a broken block, block on a FIFO, and in a folder
// read only files named by a hash (openssl-rehash(1ssl)).
CURLcode CurlEndpoint::configure_tls_and_roots(CURL* easy, void* context, void* given) {
  const auto& roots = *static_cast<const ForCallbacks*>(given);
  const bool well = !guarded([&] {
    trust(SSL_CTX_get_cert_store(static_cast<SSL_CTX*>(context)), authorities_in(roots.ca_file, roots.ca_folders));
  });
  return well ? configure_tls(easy, context, given) : CURLE_OUT_OF_MEMORY;
}

CurlEndpoint::CurlEndpoint(const Endpoint& endpoint)
    : verifies_(!endpoint.insecure_skip_tls_verify),
      server_(endpoint.server),
      base_(endpoint.server),
      proxy_source_(endpoint.proxy_source),
      speaks_http2_(own_environment("DISABLE_HTTP2").empty()),
      for_callbacks_{.ca_file = own_environment("SSL_CERT_FILE"), .ca_folders = own_environment("SSL_CERT_DIR")} {
  choose_proxy(endpoint);
  const auto url = parse_url(base_);
  is_tls_ = url && url->scheme == "https";
  if (!is_tls_) {
    return;  // if it is no URL, the request will fail with that
  }
  prefix_ = url->path == "/" ? "" : url->path;
  if (!endpoint.tls_server_name.empty()) {
    name_server(*url, endpoint.tls_server_name);
  }
  // libcurl 7.88 loses the zone of an IPv6 address ("%25eth0").
  if (base_.find('%') == std::string::npos) {
    base_url_.reset(curl_url());
    curl_url_set(base_url_.get(), CURLUPART_URL, base_.c_str(), 0);
  }
}

void CurlEndpoint::choose_proxy(const Endpoint& endpoint) {
  if (endpoint.proxy_url.empty()) {
    return;
  }
  auto proxy = parse_proxy(endpoint.proxy_url);
  if (!proxy) {
    const std::string source = proxy_source_.empty() ? "the proxy" : proxy_source_;
    throw Error(ErrorCode::kubeconfig, source + " is not the URL of a proxy",
                "write " + source +
                    " as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with %25 for % and %2F for / in the "
                    "password");
  }
  proxy_ = *std::move(proxy);
}

// Puts the name that the certificate must have into the URL; the connection and the Host header keep the real host.
void CurlEndpoint::name_server(const Url& url, const std::string& tls_server_name) {
  Url named = url;
  named.host = tls_server_name;
  const auto parsed = parse_url(named.origin());
  const bool more_than_host = tls_server_name.find_first_of("?#") != std::string::npos;
  if (!parsed || more_than_host || parsed->path != "/" || parsed->has_userinfo || parsed->port != url.port) {
    if (!verifies_) {
      return;  // the body is not read
    }
    throw Error(ErrorCode::kubeconfig, "tls-server-name \"" + presentable(tls_server_name) + "\" is not a host name");
  }
  base_ = parsed->origin() + prefix_;
  host_ = url.host_header();
  append(connect_to_, (parsed->authority() + ":" + url.authority()).c_str());
}

CurlEasy CurlEndpoint::make_handle(const TlsMaterial& tls, bool streaming) const {
  CurlEasy handle(curl_easy_init());
  if (!handle) {
    throw std::bad_alloc();
  }
  CURL* const easy = handle.get();
  set_option(easy, CURLOPT_BUFFERSIZE, streaming ? stream_buffer : answer_buffer);  // cannot be changed later
  set_option(easy, CURLOPT_UPLOAD_BUFFERSIZE, body_buffer);
  if (is_tls_) {
    // The base is parsed once, and each request sets only its target: libcurl would parse and rebuild a URL per
    // request, which is a tenth of the total cost of a request.
    set_option(easy, CURLOPT_URL, base_.c_str());
    set_option(easy, CURLOPT_CURLU, base_url_.get());
  }
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_QUICK_EXIT, 1L);  // otherwise the end of a request waits for the resolver thread
  set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(easy, CURLOPT_HTTP_VERSION,
             static_cast<long>(speaks_http2_ ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  // Over TLS the handshake shows whether requests can share a connection. Without TLS only an answer does, and that of
  // a watch may not come before its first event.
  set_option(easy, CURLOPT_PIPEWAIT, is_tls_ ? 1L : 0L);
  set_option(easy, CURLOPT_TCP_NODELAY, 1L);
  set_option(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_option(easy, CURLOPT_TCP_KEEPIDLE, static_cast<long>(keepalive_interval.count()));
  set_option(easy, CURLOPT_TCP_KEEPINTVL, static_cast<long>(keepalive_repeat.count()));
  set_option(easy, CURLOPT_SOCKOPTFUNCTION, &configure_socket);
  const bool has_roots = !for_callbacks_.ca_file.empty() || !for_callbacks_.ca_folders.empty();
  set_option(easy, CURLOPT_SSL_CTX_FUNCTION, tls.ca.empty() && has_roots ? &configure_tls_and_roots : &configure_tls);
  set_option(easy, CURLOPT_SSL_CTX_DATA, &for_callbacks_);
  set_option(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set_option(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);  // it is per handle: would cost memory and never hit
  for (const CURLoption option :
       {CURLOPT_SSLCERTTYPE, CURLOPT_SSLKEYTYPE, CURLOPT_PROXY_SSLCERTTYPE, CURLOPT_PROXY_SSLKEYTYPE}) {
    set_option(easy, option, "PEM");
  }
  for (const CURLoption option : {CURLOPT_KEYPASSWD, CURLOPT_PROXY_KEYPASSWD}) {
    set_option(easy, option, "");  // otherwise OpenSSL prompts for the passphrase of an encrypted key
  }
  const long verify = verifies_ ? 1L : 0L;
  set_option(easy, CURLOPT_SSL_VERIFYPEER, verify);
  set_option(easy, CURLOPT_SSL_VERIFYHOST, verify * 2L);
  set_option(easy, CURLOPT_PROXY_SSL_VERIFYPEER, verify);
  set_option(easy, CURLOPT_PROXY_SSL_VERIFYHOST, verify * 2L);
  set_blob(easy, CURLOPT_CAINFO_BLOB, tls.ca);
  set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, tls.ca);  // Go also verifies an https proxy with the cluster's roots
  choose_roots(easy, tls);
  // Go also sends an https proxy the client certificate. A change of either option makes a new connection.
  for (const CURLoption option : {CURLOPT_SSLCERT_BLOB, CURLOPT_PROXY_SSLCERT_BLOB}) {
    set_blob(easy, option, tls.certificate);
  }
  for (const CURLoption option : {CURLOPT_SSLKEY_BLOB, CURLOPT_PROXY_SSLKEY_BLOB}) {
    set_blob(easy, option, tls.key.reveal());
  }
  // proxy.hpp has chosen the proxy; libcurl's own rules for the environment differ from Go's.
  set_option(easy, CURLOPT_PROXY, proxy_.url.c_str());
  if (!proxy_.userinfo.empty()) {
    set_option(easy, CURLOPT_PROXYUSERPWD, proxy_.userinfo.c_str());  // libcurl quotes the URL in its messages
  }
  set_option(easy, CURLOPT_NOPROXY, "");
  set_option(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (connect_to_) {
    set_option(easy, CURLOPT_CONNECT_TO, connect_to_.get());
  }
  return handle;
}

// The system's roots are neither loaded nor trusted if the context has its own (CURLOPT_CAINFO_BLOB) or the environment
// names some (configure_tls_and_roots).
void CurlEndpoint::choose_roots(CURL* easy, const TlsMaterial& tls) const {
  const char* folders = nullptr;
  if (tls.ca.empty()) {
    folders = for_callbacks_.ca_folders.empty() ? curl_version_info(CURLVERSION_NOW)->capath : nullptr;
    if (!for_callbacks_.ca_file.empty()) {
      set_option(easy, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
      set_option(easy, CURLOPT_PROXY_CAINFO, static_cast<const char*>(nullptr));
    }
  }
  set_option(easy, CURLOPT_CAPATH, folders);
  set_option(easy, CURLOPT_PROXY_CAPATH, folders);
}

void CurlEndpoint::configure(CURL* easy, const HttpRequest& request, CurlList& headers) const {
  if (is_tls_) {
    set_option(easy, CURLOPT_REQUEST_TARGET, (prefix_ + request.target).c_str());
  } else {
    set_option(easy, CURLOPT_URL, (base_ + request.target).c_str());  // a proxy gets the whole URL
  }
  if (request.method == "GET") {
    set_option(easy, CURLOPT_HTTPGET, 1L);
    set_option(easy, CURLOPT_CUSTOMREQUEST, static_cast<char*>(nullptr));
  } else if (request.method == "HEAD") {
    set_option(easy, CURLOPT_NOBODY, 1L);  // otherwise libcurl waits for the body that the headers announce
    set_option(easy, CURLOPT_CUSTOMREQUEST, static_cast<char*>(nullptr));
  } else {
    set_option(easy, CURLOPT_POST, 1L);
    set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set_option(easy, CURLOPT_POSTFIELDS, request.body.c_str());  // not copied: the caller keeps the request
    set_option(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (request.body.size() > expect_threshold) {
    append(headers, "Expect:");  // no 100-continue: it costs a round trip
  }
  if (!host_.empty()) {
    append(headers, ("Host: " + host_).c_str());
  }
  for (const std::string& header : request.headers) {
    append(headers, header.c_str());
  }
  if (request.proof) {
    for (const std::string& header : request.proof->headers) {
      append(headers, header.c_str());
    }
  }
  set_option(easy, CURLOPT_HTTPHEADER, headers.get());
  set_option(easy, CURLOPT_PREREQFUNCTION, request.may_send ? &ask_permission : nullptr);
  set_option(easy, CURLOPT_PREREQDATA, &request);
  set_option(easy, CURLOPT_ACCEPT_ENCODING, request.compressed ? "gzip" : static_cast<const char*>(nullptr));
}

void CurlEndpoint::keep_tls_buffers(CURL* easy, bool keep) {
  curl_tlssessioninfo* session = nullptr;
  curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session);
  if (session == nullptr || session->backend != CURLSSLBACKEND_OPENSSL || session->internals == nullptr) {
    return;
  }
  auto* const tls = static_cast<SSL*>(session->internals);
  if (keep) {
    SSL_clear_mode(tls, SSL_MODE_RELEASE_BUFFERS);
  } else {
    SSL_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_free_buffers(tls);
  }
}

const char* CurlEndpoint::refusal_of(CURLcode result) const {
  if (!may_be_of_an_alert(result)) {
    for_callbacks_.alert = 0;
    return nullptr;
  }
  return certificate_refusal(for_callbacks_.alert);
}

Error CurlEndpoint::error_of(const Failure& failure) const {
  const bool is_the_proxy = ends_at_proxy(failure.easy);
  if (failure.refusal != nullptr) {
    return {ErrorCode::tls,
            (is_the_proxy ? named_proxy() : "the server") +
                " refuses the client certificate of this context: " + failure.refusal,
            "log in to the cluster again, or renew client-certificate and client-key in the kubeconfig"};
  }
  if (failure.result == CURLE_SSL_CERTPROBLEM && is_weak(failure.tls.certificate)) {
    return {
        ErrorCode::tls,
        "the client certificate of this context is too weak for OpenSSL on this machine: it takes RSA keys from 2048 "
        "bits on, and no signature with SHA-1",
        "have the cluster issue a new certificate"};
  }
  if (auto refused = proxys_refusal(failure.easy)) {
    return *std::move(refused);
  }
  long os_errno = 0;
  curl_easy_getinfo(failure.easy, CURLINFO_OS_ERRNO, &os_errno);
  const ErrorCode code = code_of(failure.result, os_errno);
  const std::string remedy = remedy_of(code, failure.tls);
  if (const auto why = why_unconnected(failure.result, os_errno)) {
    const std::string source = proxy_source_.empty() ? "" : " (" + proxy_source_ + ")";
    const std::string whom = proxy_.url.empty() ? server_ : "the proxy " + proxy_.shown + source + " of " + server_;
    return {code, "cannot reach " + whom + ": " + *why, remedy};
  }
  if (failure.result == CURLE_SSL_CONNECT_ERROR && for_callbacks_.met_no_tls) {
    return {code, (is_the_proxy ? named_proxy() : server_) + " does not speak TLS",
            is_the_proxy ? "write http:// where it says https://, or correct its port"
                         : "correct the port, or the scheme, of `server` in the kubeconfig"};
  }
  const bool may_be_the_proxy = !proxy_.url.empty() && (code == ErrorCode::unreachable || code == ErrorCode::timeout);
  return {code, words_of(failure) + (may_be_the_proxy ? " (through " + named_proxy() + ")" : ""), remedy};
}

// Whether a failed transfer made a connection, and got no further than an https proxy. A transfer that shares another's
// connection has no answer from the proxy either.
bool CurlEndpoint::ends_at_proxy(CURL* easy) const {
  long made = 0;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
  return proxy_.url.starts_with("https:") && connect_code(easy) == 0 && (!is_tls_ || made > 0);
}

std::string CurlEndpoint::named_proxy() const {
  return "the proxy " + proxy_.shown + (proxy_source_.empty() ? "" : " of " + proxy_source_);
}

// The error of a CONNECT that the proxy refused.
std::optional<Error> CurlEndpoint::proxys_refusal(CURL* easy) const {
  const long status = connect_code(easy);
  if (status < 300) {
    return std::nullopt;
  }
  constexpr long wants_password = 407;
  const std::string source = proxy_source_.empty() ? "its URL" : proxy_source_;
  if (status == wants_password) {
    return Error(ErrorCode::unreachable,
                 named_proxy() + (proxy_.userinfo.empty() ? " asks for a user and a password"
                                                          : " does not accept the user and password that it is given"),
                 "write them into " + source + ": http://USER:PASSWORD@HOST:PORT");
  }
  const std::string said = " (HTTP " + std::to_string(status) + ")";
  if (status >= 500) {
    return Error(ErrorCode::unreachable, named_proxy() + " cannot reach " + server_ + said,
                 "check that the API server runs and that the proxy reaches it; NO_PROXY names what needs no proxy");
  }
  return Error(ErrorCode::unreachable, named_proxy() + " refuses to connect to " + server_ + said,
               "ask who runs the proxy; NO_PROXY names what needs no proxy");
}

// libcurl's message, except where it names a symptom: it reports a peer that closes as failing system calls.
std::string CurlEndpoint::words_of(const Failure& failure) const {
  if (failure.result == CURLE_SEND_ERROR) {
    curl_off_t secured = 0;
    curl_easy_getinfo(failure.easy, CURLINFO_APPCONNECT_TIME_T, &secured);
    return secured > 0 ? "the server closed the connection after the TLS handshake"
                       : "the server closed the connection";
  }
  const std::string_view detail = failure.detail;
  const bool is_shown =
      !detail.empty() && (proxy_.userinfo.empty() || detail.find(proxy_.userinfo) == std::string_view::npos);
  return is_shown ? std::string(detail) : curl_easy_strerror(failure.result);
}

std::string CurlEndpoint::remedy_of(ErrorCode code, const TlsMaterial& tls) const {
  if (code == ErrorCode::unreachable || code == ErrorCode::timeout) {
    return "check that the API server runs and that this machine's network, VPN or proxy reaches it";
  }
  if (code != ErrorCode::tls) {
    return {};
  }
  std::string trusted;
  for (const auto& [name, value] :
       {std::pair("SSL_CERT_FILE", for_callbacks_.ca_file), {"SSL_CERT_DIR", for_callbacks_.ca_folders}}) {
    if (tls.ca.empty() && !value.empty()) {
      trusted += (trusted.empty() ? " and, as it names no certificate-authority, " : " and ") + std::string(name) +
                 "=" + presentable(value);
    }
  }
  return "check certificate-authority, client-certificate and tls-server-name of this context" + trusted;
}

}  // namespace regsync::kube
