#include "sync/kube/http_client.hpp"

#include <curl/curl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "helper/error.hpp"

namespace regsync::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// client-go: net.Dialer.Timeout of the default transport (k8s.io/client-go/transport/cache.go).
constexpr milliseconds connect_timeout = seconds(30);
// client-go: net.Dialer.KeepAlive. What finds a dead network under HTTP/1.1, whose checks have other connections.
constexpr seconds keepalive_interval = seconds(30);
// Bytes that nobody acknowledges: the kernel gives the connection up as fast as the check would.
constexpr unsigned tcp_user_timeout_ms = 15'000;
// A burst of requests hands its handles on; after it, this many stay, each with its buffer.
constexpr std::size_t idle_handles_kept = 1;
// A watch's events are small and rare, and there are many watches: libcurl holds this buffer for each stream.
constexpr long stream_buffer = 4 * 1024;
constexpr long answer_buffer = 16 * 1024;
// At each readable event libcurl walks over all transfers of the connection. With so many requests under way, answers
// gather for an eighth of the time that one takes, and a walk finds several: half of the processor time of a first
// sync.
constexpr std::size_t crowd = 16;
constexpr milliseconds longest_gathering(10);
// So long after a part of an answer, the rest of it is asked for (look_after_parts).
constexpr milliseconds pause_within_answer(50);
// The longest error body worth reading where the caller asked for a stream.
constexpr std::size_t max_stream_error = 256 * 1024;

// libcurl's memory holds headers and bodies: wiped when freed, as the programs' C++ memory is.
void* curl_allocate(std::size_t size) { return std::malloc(size); }  // NOLINT(cppcoreguidelines-no-malloc)
void* curl_allocate_zeroed(std::size_t count, std::size_t size) {
  return std::calloc(count, size);  // NOLINT(cppcoreguidelines-no-malloc)
}
void curl_free_wiped(void* memory) {
  if (memory != nullptr) {
    wipe_memory(memory, malloc_usable_size(memory));
    std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc)
  }
}
void* curl_reallocate(void* memory, std::size_t size) {
  void* grown = std::malloc(size);  // NOLINT(cppcoreguidelines-no-malloc)
  if (grown != nullptr && memory != nullptr) {
    std::memcpy(grown, memory, std::min(size, malloc_usable_size(memory)));
    curl_free_wiped(memory);
  }
  return grown;
}
char* curl_duplicate(const char* text) {
  const std::size_t size = std::strlen(text) + 1;
  void* copy = std::malloc(size);  // NOLINT(cppcoreguidelines-no-malloc)
  return copy == nullptr ? nullptr : static_cast<char*>(std::memcpy(copy, text, size));
}

void initialise_curl() {
  static const CURLcode once = [] {
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): OpenSSL writes to sockets that peers have closed
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_allocate, curl_free_wiped, curl_reallocate, curl_duplicate,
                                curl_allocate_zeroed);
  }();
  if (once != CURLE_OK) {
    throw Error(ErrorCode::internal, "libcurl does not start: " + std::string(curl_easy_strerror(once)));
  }
}

int configure_socket(void* /*context*/, curl_socket_t fd, curlsocktype /*purpose*/) {
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &tcp_user_timeout_ms, sizeof tcp_user_timeout_ms);
  return CURL_SOCKOPT_OK;
}

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

void append(HeaderList& list, const char* header) {
  curl_slist* longer = curl_slist_append(list.get(), header);
  if (longer == nullptr) {
    throw std::bad_alloc();
  }
  [[maybe_unused]] const curl_slist* const same = list.release();
  list.reset(longer);
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code != CURLE_OK) {
    throw Error(ErrorCode::internal,
                "libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(code));
  }
}

// The bytes stay ours: they live as long as the TlsMaterial that the transfer holds.
void set_blob(CURL* easy, CURLoption option, std::string_view bytes) {
  if (bytes.empty()) {
    set(easy, option, static_cast<curl_blob*>(nullptr));
    return;
  }
  curl_blob blob{};
  blob.data = const_cast<char*>(bytes.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast): libcurl only reads
  blob.len = bytes.size();
  blob.flags = CURL_BLOB_NOCOPY;
  set(easy, option, &blob);
}

// An endpoint in libcurl's terms.
struct Target {
  std::string base;        // what stands before a request's target
  std::string host;        // the Host header, where `base` names somebody else
  std::string connect_to;  // CURLOPT_CONNECT_TO
  std::string proxy;
};

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) {
    return {};
  }
  std::string copy = text;
  curl_free(text);
  return copy;
}

Target target_of(const Endpoint& endpoint) {
  Target target{endpoint.server, {}, {}, endpoint.proxy_url};
  // Go's "socks5" lets the proxy resolve names; libcurl calls that socks5h.
  if (target.proxy.starts_with("socks5:")) {
    target.proxy.insert(6, "h");
  }
  if (endpoint.tls_server_name.empty() || !endpoint.server.starts_with("https:")) {
    return target;
  }
  // The URL carries the name that the certificate must bear; the connection and the Host header go on to name the
  // real host.
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, endpoint.server.c_str(), 0) != CURLUE_OK) {
    return target;  // the request will say what is wrong with it
  }
  const std::string host = url_part(url.get(), CURLUPART_HOST);
  const std::string port = url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (curl_url_set(url.get(), CURLUPART_HOST, endpoint.tls_server_name.c_str(), 0) != CURLUE_OK) {
    throw Error(ErrorCode::kubeconfig, "tls-server-name \"" + endpoint.tls_server_name + "\" is not a host name");
  }
  target.base = url_part(url.get(), CURLUPART_URL);
  while (target.base.ends_with('/')) {
    target.base.pop_back();
  }
  target.host = host + ":" + port;
  target.connect_to = endpoint.tls_server_name + ":" + port + ":" + host + ":" + port;
  return target;
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

std::string remedy_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::unreachable:
    case ErrorCode::timeout:
      return "check that the API server runs and that this machine's network, VPN or proxy reaches it";
    case ErrorCode::tls:
      return "check certificate-authority, client-certificate and tls-server-name of this context";
    default:
      return {};
  }
}

}  // namespace

// One exchange. Lives in the frame of the coroutine that waits for it; libcurl writes into it until it is removed.
struct HttpClient::Transfer {
  Transfer(std::shared_ptr<Multi> on, const asio::any_io_executor& executor, const HttpRequest& of, bool stream);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  Transfer(Transfer&&) = delete;
  Transfer& operator=(Transfer&&) = delete;

  [[nodiscard]] bool has_news() const { return finished || (opened && !told_opened) || !pieces.empty(); }

  [[nodiscard]] bool wants_rest() const { return !streaming && !finished && response.status != 0 && !hurried; }

  void finish(CURLcode code) {
    result = code;
    finished = true;
    wake.cancel();
  }

  void ask() {
    asked = true;
    wake.cancel();
  }

  [[nodiscard]] Error failure() const;

  const std::shared_ptr<Multi> multi;
  const HttpRequest& request;
  const bool streaming;
  bool asked = false;       // to find out whether the peer is there
  asio::steady_timer wake;  // cancelled when there is news, or when asked
  Easy easy;
  HeaderList headers;
  HttpResponse response;
  std::string pieces;  // of a stream, not yet given to the caller
  bool opened = false;
  bool told_opened = false;
  bool too_large = false;
  bool finished = false;
  CURLcode result = CURLE_OK;
  curl_off_t bytes = 0;  // of the body, that libcurl took so far
  bool hurried = false;  // asked for since it took the last of them
  std::array<char, CURL_ERROR_SIZE> error{};
};

// A libcurl multi handle with its connections and sockets, driven by Asio.
//
// libcurl calls back only from within curl_multi_* calls made here; nothing called back from there enters libcurl
// again: completions and timeouts reach their coroutines through the executor. Handlers of Asio hold it weakly.
class HttpClient::Multi : public std::enable_shared_from_this<Multi> {
 public:
  Multi(asio::any_io_executor executor, Endpoint endpoint, Patience patience)
      : endpoint_(std::move(endpoint)),
        target_(target_of(endpoint_)),
        patience_(patience),
        executor_(std::move(executor)),
        timer_(executor_),
        next_look_(executor_),
        rest_(executor_),
        multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  }
  ~Multi() {
    curl_multi_cleanup(multi_);  // calls on_socket for what is still open: the sockets must outlive it
  }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;
  Multi(Multi&&) = delete;
  Multi& operator=(Multi&&) = delete;

  void add(Transfer& transfer) {
    transfer.easy = take_handle(transfer.streaming);
    configure(transfer);
    const CURLMcode code = curl_multi_add_handle(multi_, transfer.easy.get());
    if (code != CURLM_OK) {
      throw Error(ErrorCode::internal, std::string("libcurl takes no request: ") + curl_multi_strerror(code));
    }
    transfers_.insert(&transfer);
    bursting_ += transfer.streaming ? 0 : 1;
    if (transfers_.size() == 1) {
      last_heard_ = steady_clock::now();  // silence counts from when somebody waits
      look_again_at(end_of_patience());
    }
  }

  // Ends the exchange if it is not over, and takes its handle back.
  void remove(Transfer& transfer) {
    if (transfers_.erase(&transfer) > 0) {
      curl_multi_remove_handle(multi_, transfer.easy.get());
    }
    if (transfers_.empty()) {
      next_look_.cancel();
    }
    if (transfer.easy && !transfer.streaming) {
      idle_.push_back(std::move(transfer.easy));
      if (--bursting_ == 0) {
        idle_.resize(idle_handles_kept);
      }
    }
  }

  // Fails all that is under way: the peer is dead, and libcurl would go on to use the connection.
  void condemn() {
    const auto doomed = std::exchange(transfers_, {});
    for (Transfer* transfer : doomed) {  // NOLINT(bugprone-nondeterministic-pointer-iteration-order): all end
      curl_multi_remove_handle(multi_, transfer->easy.get());
      std::strcpy(transfer->error.data(), "the connection is dead: its peer answers nothing any more");
      transfer->finish(CURLE_RECV_ERROR);
    }
  }

  [[nodiscard]] bool silent(milliseconds limit) const { return steady_clock::now() - last_heard_ >= limit; }
  bool checking = false;  // one check of the peer at a time

 private:
  struct Socket {
    Socket(const asio::any_io_executor& executor, curl_socket_t of)
        : fd(of), descriptor(executor, of), gathered(executor) {}
    curl_socket_t fd;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer gathered;
    int wanted = CURL_POLL_NONE;
    bool reading = false;  // a wait is armed
    bool writing = false;
    bool removed = false;
  };

  // A look may come early by this: looks fall on its multiples, so that those of many clients are one wake-up.
  [[nodiscard]] milliseconds slack() const { return patience_.silence / 7; }

  [[nodiscard]] steady_clock::time_point end_of_patience() const {
    const auto end = last_heard_ + patience_.silence;
    return end - end.time_since_epoch() % slack();
  }

  void look_again_at(steady_clock::time_point when) {
    next_look_.expires_at(when);
    next_look_.async_wait([weak = weak_from_this()](std::error_code cancelled) {
      const auto multi = weak.lock();
      if (multi && !cancelled) {
        multi->look_after_peer();
      }
    });
  }

  // One of those who wait asks; should it go away before the answer, the next look has another one ask.
  void look_after_peer() {
    if (transfers_.empty()) {
      return;
    }
    if (!silent(patience_.silence - slack())) {
      look_again_at(end_of_patience());
      return;
    }
    if (!checking) {
      (*transfers_.begin())->ask();
    }
    look_again_at(steady_clock::now() + patience_.answer);
  }

  Easy take_handle(bool streaming) {
    if (!idle_.empty() && !streaming) {
      Easy easy = std::move(idle_.back());
      idle_.pop_back();
      return easy;
    }
    Easy easy(curl_easy_init());
    if (!easy) {
      throw std::bad_alloc();
    }
    set_up(easy.get());
    set(easy.get(), CURLOPT_BUFFERSIZE, streaming ? stream_buffer : answer_buffer);  // cannot be changed later
    return easy;
  }

  // What all requests to this endpoint have in common.
  void set_up(CURL* easy) {
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    // Over TLS the handshake tells whether requests can share a connection. Else only an answer would, and that of a
    // watch may not come before its first event.
    set(easy, CURLOPT_PIPEWAIT, endpoint_.server.starts_with("https:") ? 1L : 0L);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
    set(easy, CURLOPT_TCP_NODELAY, 1L);
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_TCP_KEEPIDLE, static_cast<long>(keepalive_interval.count()));
    set(easy, CURLOPT_TCP_KEEPINTVL, 5L);
    set(easy, CURLOPT_SOCKOPTFUNCTION, &configure_socket);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);  // per handle: would cost memory and never hit
    set(easy, CURLOPT_SSLCERTTYPE, "PEM");
    set(easy, CURLOPT_SSLKEYTYPE, "PEM");
    set(easy, CURLOPT_KEYPASSWD, "");  // else OpenSSL asks a terminal for the passphrase of an encrypted key
    const long verify = endpoint_.insecure_skip_tls_verify ? 0L : 1L;
    set(easy, CURLOPT_SSL_VERIFYPEER, verify);
    set(easy, CURLOPT_SSL_VERIFYHOST, verify * 2L);
    set(easy, CURLOPT_PROXY_SSL_VERIFYPEER, verify);
    set(easy, CURLOPT_PROXY_SSL_VERIFYHOST, verify * 2L);
    // The choice of a proxy is made before (proxy.hpp); libcurl's own rules for the environment differ from Go's.
    set(easy, CURLOPT_PROXY, target_.proxy.c_str());
    set(easy, CURLOPT_NOPROXY, "");
    set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!target_.connect_to.empty()) {
      connect_to_.reset();
      append(connect_to_, target_.connect_to.c_str());
      set(easy, CURLOPT_CONNECT_TO, connect_to_.get());
    }
    set(easy, CURLOPT_HEADERFUNCTION, &Multi::on_header);
    set(easy, CURLOPT_WRITEFUNCTION, &Multi::on_body);
  }

  void configure(Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    const HttpRequest& request = transfer.request;
    const std::string url = target_.base + request.target;
    set(easy, CURLOPT_URL, url.c_str());
    if (request.method == "GET") {
      set(easy, CURLOPT_HTTPGET, 1L);
      set(easy, CURLOPT_CUSTOMREQUEST, static_cast<char*>(nullptr));
    } else if (request.method == "HEAD") {
      set(easy, CURLOPT_NOBODY, 1L);  // else curl waits for the body that the headers announce
      set(easy, CURLOPT_CUSTOMREQUEST, static_cast<char*>(nullptr));
    } else {
      set(easy, CURLOPT_POST, 1L);
      set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(easy, CURLOPT_POSTFIELDS, request.body.c_str());  // not copied: the caller keeps the request
      set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    append(transfer.headers, "Expect:");  // no 100-continue: it costs a round trip
    if (!target_.host.empty()) {
      append(transfer.headers, ("Host: " + target_.host).c_str());
    }
    for (const std::string& header : request.headers) {
      append(transfer.headers, header.c_str());
    }
    set(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
    set(easy, CURLOPT_ACCEPT_ENCODING, request.compressed ? "gzip" : static_cast<const char*>(nullptr));
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(easy, CURLOPT_HEADERDATA, &transfer);
    set(easy, CURLOPT_WRITEDATA, &transfer);
    set(easy, CURLOPT_PRIVATE, &transfer);
    set(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
    const TlsMaterial none;
    const TlsMaterial& tls = request.tls ? *request.tls : none;
    set_blob(easy, CURLOPT_CAINFO_BLOB, tls.ca);
    set_blob(easy, CURLOPT_PROXY_CAINFO_BLOB, tls.ca);  // Go verifies an https proxy with the cluster's roots too
    if (!tls.ca.empty()) {
      // The system's roots are neither loaded nor trusted beside the context's own.
      set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
      set(easy, CURLOPT_PROXY_CAPATH, static_cast<char*>(nullptr));
    }
    set_blob(easy, CURLOPT_SSLCERT_BLOB, tls.certificate);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, tls.key.reveal());
  }

  void act(curl_socket_t fd, int events) {
    int running = 0;
    const bool corked = bursting_ > 0;
    if (corked) {
      cork(true);
    }
    curl_multi_socket_action(multi_, fd, events, &running);
    if (corked) {
      cork(false);
    }
    if (std::exchange(heard_, false)) {
      last_heard_ = steady_clock::now();
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) {
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        const CURLcode code = message->data.result;
        curl_multi_remove_handle(multi_, message->easy_handle);
        transfers_.erase(transfer);
        if (!transfer->streaming) {
          note_answer_time(transfer->easy.get());
        }
        transfer->finish(code);
      }
    }
    look_after_parts();
  }

  // libcurl 7.88 can lose sight of what it has read, when the buffer of a stream is full while another one is read:
  //  - What follows in what was read from the connection waits until somebody looks (cf_h2_data_pending compares the
  //    wrong way round). So as long as a transfer that goes on takes bytes, all are looked at once more.
  //  - The end of the stream waits until the next byte comes over the connection (nghttp2 was paused in the last frame,
  //    and is called only with bytes). So who has a part of an answer, and hears nothing, asks for something small.
  void look_after_parts() {
    bool taken = false;
    bool waiting = false;
    for (Transfer* transfer : transfers_) {  // NOLINT(bugprone-nondeterministic-pointer-iteration-order): all are seen
      curl_off_t bytes = 0;
      curl_easy_getinfo(transfer->easy.get(), CURLINFO_SIZE_DOWNLOAD_T, &bytes);
      if (std::exchange(transfer->bytes, bytes) != bytes) {
        taken = true;
        transfer->hurried = false;
      }
      waiting = waiting || transfer->wants_rest();
    }
    if (taken && !std::exchange(again_, true)) {
      asio::post(executor_, [weak = weak_from_this()] {
        if (const auto multi = weak.lock()) {
          multi->look_again();
        }
      });
    }
    if (waiting && !std::exchange(rest_awaited_, true)) {
      await_rest();
    }
  }

  void await_rest() {
    rest_.expires_at(last_heard_ + pause_within_answer);
    rest_.async_wait([weak = weak_from_this()](std::error_code /*never cancelled*/) {
      if (const auto multi = weak.lock()) {
        multi->rest_awaited_ = false;
        multi->hurry();
      }
    });
  }

  void hurry() {
    for (Transfer* transfer : transfers_) {  // NOLINT(bugprone-nondeterministic-pointer-iteration-order): any will do
      if (!transfer->wants_rest()) {
        continue;
      }
      if (!silent(pause_within_answer)) {
        rest_awaited_ = true;
        await_rest();
      } else if (!checking) {
        transfer->hurried = true;
        transfer->ask();
      }
      return;
    }
  }

  void look_again() {
    again_ = false;
    std::vector<curl_socket_t> open;
    for (const auto& [fd, socket] : sockets_) {
      open.push_back(fd);
    }
    for (const auto fd : open) {
      act(fd, CURL_CSELECT_IN);
    }
  }

  void note_answer_time(CURL* easy) {
    curl_off_t taken = 0;
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &taken);
    answer_time_ += (std::chrono::microseconds(taken) - answer_time_) / 8;
  }

  // libcurl writes the head and the body of each request by themselves. What it writes in one look leaves together:
  // a server under load did a third more, not being woken for each piece.
  void cork(bool on) {
    const int value = on ? 1 : 0;
    for (const auto& [fd, socket] : sockets_) {
      setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
    }
  }

  void arm(const std::shared_ptr<Socket>& socket) {
    if ((socket->wanted & CURL_POLL_IN) != 0 && !std::exchange(socket->reading, true)) {
      wait(socket, asio::posix::stream_descriptor::wait_read);
    }
    if ((socket->wanted & CURL_POLL_OUT) != 0 && !std::exchange(socket->writing, true)) {
      wait(socket, asio::posix::stream_descriptor::wait_write);
    }
  }

  void wait(const std::shared_ptr<Socket>& socket, asio::posix::stream_descriptor::wait_type direction) {
    socket->descriptor.async_wait(direction, [weak = weak_from_this(), socket, direction](std::error_code failure) {
      if (const auto self = weak.lock()) {
        self->on_ready(socket, direction, failure);
      }
    });
  }

  void on_ready(const std::shared_ptr<Socket>& socket, asio::posix::stream_descriptor::wait_type direction,
                std::error_code failure) {
    const bool read = direction == asio::posix::stream_descriptor::wait_read;
    (read ? socket->reading : socket->writing) = false;
    if (socket->removed) {
      return;
    }
    if (read && !failure && bursting_ >= crowd) {
      gather(socket);
      return;
    }
    look(socket, direction, failure);
  }

  void gather(const std::shared_ptr<Socket>& socket) {
    socket->reading = true;  // as if armed: nothing else is to look
    socket->gathered.expires_after(std::min<steady_clock::duration>(answer_time_ / 8, longest_gathering));
    socket->gathered.async_wait([weak = weak_from_this(), socket](std::error_code /*never cancelled*/) {
      socket->reading = false;
      const auto self = weak.lock();
      if (self && !socket->removed) {
        self->look(socket, asio::posix::stream_descriptor::wait_read, {});
      }
    });
  }

  void look(const std::shared_ptr<Socket>& socket, asio::posix::stream_descriptor::wait_type direction,
            std::error_code failure) {
    const bool read = direction == asio::posix::stream_descriptor::wait_read;
    if ((socket->wanted & (read ? CURL_POLL_IN : CURL_POLL_OUT)) != 0) {
      const int events = read ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
      act(socket->fd, failure ? CURL_CSELECT_ERR : events);
    }
    if (!socket->removed && !failure) {
      arm(socket);
    }
  }

  static int on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self_pointer, void* /*socket*/) {
    auto& self = *static_cast<Multi*>(self_pointer);
    const auto found = self.sockets_.find(fd);
    if (what == CURL_POLL_REMOVE) {
      if (found != self.sockets_.end()) {
        found->second->removed = true;
        found->second->descriptor.release();  // libcurl owns the file descriptor
        self.sockets_.erase(found);
      }
      return 0;
    }
    auto& socket = self.sockets_[fd];
    if (!socket) {
      socket = std::make_shared<Socket>(self.executor_, fd);
    }
    socket->wanted = what;
    self.arm(socket);
    return 0;
  }

  static int on_timer(CURLM* /*multi*/, long timeout_ms, void* self_pointer) {
    auto& self = *static_cast<Multi*>(self_pointer);
    if (timeout_ms == 0) {
      // "As soon as possible" is what every new request asks for: a post costs less than a timer.
      if (!std::exchange(self.kicked_, true)) {
        asio::post(self.executor_, [weak = self.weak_from_this()] {
          if (const auto multi = weak.lock()) {
            multi->kicked_ = false;
            multi->act(CURL_SOCKET_TIMEOUT, 0);
          }
        });
      }
      return 0;
    }
    if (timeout_ms < 0) {
      self.timer_.cancel();
      return 0;
    }
    self.timer_.expires_after(milliseconds(timeout_ms));
    self.timer_.async_wait([weak = self.weak_from_this()](std::error_code cancelled) {
      const auto multi = weak.lock();
      if (multi && !cancelled) {
        multi->act(CURL_SOCKET_TIMEOUT, 0);
      }
    });
    return 0;
  }

  static std::size_t on_header(const char* bytes, std::size_t /*one*/, std::size_t size, void* transfer_pointer) {
    auto& transfer = *static_cast<Transfer*>(transfer_pointer);
    transfer.multi->heard_ = true;
    std::string_view line(bytes, size);
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &transfer.response.status);
      if (transfer.streaming && transfer.response.status / 100 == 2) {
        transfer.opened = true;
        transfer.wake.cancel();
      }
      return size;
    }
    note_header(line, transfer.response);
    return size;
  }

  // The few headers that somebody wants.
  static void note_header(std::string_view line, HttpResponse& response) {
    const auto is = [line](std::string_view name) {
      // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size was looked at
      return line.size() > name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
    };
    std::string_view value = line.substr(std::min(line.find(':'), line.size() - 1) + 1);
    while (!value.empty() && value.front() == ' ') {
      value.remove_prefix(1);
    }
    if (is("retry-after:")) {
      int delay = 0;
      const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), delay);
      if (failure == std::errc() && end == value.data() + value.size() && delay >= 0) {
        response.retry_after = seconds(delay);
      }
    } else if (is("date:")) {
      response.date = value;
    } else if (is("www-authenticate:")) {
      response.www_authenticate.append(response.www_authenticate.empty() ? "" : ", ").append(value);
    }
  }

  static std::size_t on_body(const char* bytes, std::size_t /*one*/, std::size_t size, void* transfer_pointer) {
    auto& transfer = *static_cast<Transfer*>(transfer_pointer);
    transfer.multi->heard_ = true;
    if (transfer.opened) {
      transfer.pieces.append(bytes, size);
      transfer.wake.cancel();
      return size;
    }
    const std::size_t limit = transfer.streaming ? max_stream_error : transfer.request.max_answer;
    if (transfer.response.body.size() + size > limit) {
      transfer.too_large = true;
      return 0;
    }
    transfer.response.body.append(bytes, size);
    return size;
  }

  const Endpoint endpoint_;
  const Target target_;
  const Patience patience_;
  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  asio::steady_timer next_look_;
  asio::steady_timer rest_;
  bool rest_awaited_ = false;
  bool kicked_ = false;
  bool again_ = false;
  steady_clock::time_point last_heard_ = steady_clock::now();
  bool heard_ = false;  // in this look
  HeaderList connect_to_;
  std::vector<Easy> idle_;
  std::chrono::microseconds answer_time_{};  // of a request, a moving average
  std::size_t bursting_ = 0;                 // requests, not streams, that hold a handle
  std::unordered_set<Transfer*> transfers_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
  CURLM* multi_;
};

HttpClient::Transfer::Transfer(std::shared_ptr<Multi> on, const asio::any_io_executor& executor, const HttpRequest& of,
                               bool stream)
    : multi(std::move(on)), request(of), streaming(stream), wake(executor, asio::steady_timer::time_point::max()) {
  multi->add(*this);
}

HttpClient::Transfer::~Transfer() { multi->remove(*this); }

Error HttpClient::Transfer::failure() const {
  if (too_large) {
    return {ErrorCode::protocol, "the answer is larger than " + std::to_string(request.max_answer >> 20) + " MiB"};
  }
  long os_errno = 0;
  if (easy) {
    curl_easy_getinfo(easy.get(), CURLINFO_OS_ERRNO, &os_errno);
  }
  const ErrorCode code = code_of(result, os_errno);
  const std::string detail = error.front() != '\0' ? &error.front() : curl_easy_strerror(result);
  return {code, detail, remedy_of(code)};
}

HttpClient::HttpClient(asio::any_io_executor executor, Endpoint endpoint, Patience patience)
    : executor_(std::move(executor)), endpoint_(std::move(endpoint)), patience_(patience) {
  initialise_curl();
  multi_ = std::make_shared<Multi>(executor_, endpoint_, patience_);
}

HttpClient::~HttpClient() = default;

asio::awaitable<HttpResponse> HttpClient::send(const HttpRequest& request) { return exchange(request, {}, {}); }

asio::awaitable<HttpResponse> HttpClient::stream(const HttpRequest& request, std::function<void()> on_open,
                                                 std::function<void(std::string_view)> on_bytes) {
  return exchange(request, std::move(on_open), std::move(on_bytes));
}

asio::awaitable<HttpResponse> HttpClient::exchange(const HttpRequest& request, std::function<void()> on_open,
                                                   std::function<void(std::string_view)> on_bytes) {
  Transfer transfer(multi_, executor_, request, static_cast<bool>(on_bytes));
  std::string pieces;
  while (true) {
    co_await wait_for_news(transfer);
    if (transfer.opened && !std::exchange(transfer.told_opened, true) && on_open) {
      on_open();
    }
    if (!transfer.pieces.empty()) {
      pieces.clear();
      pieces.swap(transfer.pieces);
      on_bytes(pieces);
      constexpr std::size_t worth_keeping = std::size_t{64} * 1024;
      if (pieces.capacity() > worth_keeping) {
        pieces = {};
      }
      continue;
    }
    if (transfer.finished) {
      break;
    }
  }
  if (transfer.result != CURLE_OK) {
    throw transfer.failure();
  }
  co_return std::move(transfer.response);
}

asio::awaitable<void> HttpClient::wait_for_news(Transfer& transfer) {
  while (!transfer.has_news()) {
    if (std::exchange(transfer.asked, false)) {
      co_await check_peer(transfer);
      continue;
    }
    std::error_code woken;
    try {
      co_await transfer.wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    } catch (const std::system_error&) {
      throw Error(ErrorCode::cancelled, "the request was cancelled");  // before the wait began
    }
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw Error(ErrorCode::cancelled, "the request was cancelled");
    }
  }
}

// Asks, on the same connection, for the smallest thing there is. Any answer at all proves that the peer lives.
asio::awaitable<void> HttpClient::check_peer(const Transfer& transfer) {
  const std::shared_ptr<Multi> multi = transfer.multi;
  multi->checking = true;
  const std::unique_ptr<bool, void (*)(bool*)> done(&multi->checking, [](bool* checking) { *checking = false; });
  HttpRequest request;
  request.target = "/version";
  request.timeout = patience_.answer;
  request.tls = transfer.request.tls;
  Transfer check(multi, executor_, request, false);
  co_await wait_for_news(check);
  if (check.result != CURLE_OK && multi->silent(patience_.answer)) {
    if (multi_ == multi) {
      multi_ = std::make_shared<Multi>(executor_, endpoint_, patience_);
    }
    multi->condemn();
  }
}

}  // namespace regsync::kube
