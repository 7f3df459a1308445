// The bridge between libcurl's multi_socket interface and Asio: exchanges with one endpoint, and what drives them.
//
// One io_context thread. libcurl calls back only from within calls made here (curl_multi_*, curl_easy_pause); nothing
// called back from there enters libcurl again: completions and timeouts reach their coroutines through the executor.
#pragma once

#include <curl/curl.h>

#include <array>
#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/kube/http/curl_endpoint.hpp"
#include "sync/kube/http/http_client.hpp"

namespace regsync::kube {

class CurlMulti;

// Holds what the handle of libcurl was told to use: a connection is made with it at any time.
struct CurlHandle {
  std::shared_ptr<const TlsMaterial> tls;
  CurlEasy easy;
};

// One exchange, begun when made and ended at the latest when destroyed. Lives in the frame of the coroutine that waits
// for it, as the request does; libcurl writes into it until then.
struct CurlTransfer {
  CurlTransfer(std::shared_ptr<CurlMulti> on, const asio::any_io_executor& executor, const HttpRequest& of,
               bool stream);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  CurlTransfer(CurlTransfer&&) = delete;
  CurlTransfer& operator=(CurlTransfer&&) = delete;

  [[nodiscard]] bool has_news() const { return finished || (opened && !told_opened) || !pieces.empty(); }
  // Whether there were ever as many bytes as libcurl's buffer holds.
  [[nodiscard]] bool may_have_filled_buffer() const { return bytes >= (streaming ? stream_buffer : answer_buffer); }
  [[nodiscard]] bool wants_rest() const { return !streaming && !finished && response.status != 0 && !hurried; }

  // Whether it was put on a connection that was just going away (GOAWAY): libcurl sends most such requests again by
  // itself, but 7.88 fails a few.
  [[nodiscard]] bool met_closing_connection() const { return result == CURLE_HTTP2 && response.status == 0; }

  // Whether the server refused a body (413, RFC 9110 15.5.14) and closed the stream, as it may, before its answer was
  // read to the end, or went on and on about its refusal: its head says all.
  [[nodiscard]] bool refused_early() const {
    return result != CURLE_OK && (response.status == 413 || (too_large && response.status >= 300));
  }

  // What of a stream has come; `kept` is empty room to receive the next in.
  std::string take_pieces(std::string kept);

  // Whether a connection, be it another's, has closed since it took its handle.
  [[nodiscard]] bool saw_closing() const;
  // Whether all of its body has left.
  [[nodiscard]] bool has_sent() const;

  void finish(CURLcode code);
  void ask();

  [[nodiscard]] Error failure() const;

  const std::shared_ptr<CurlMulti> multi;
  const HttpRequest& request;
  const bool streaming;
  asio::steady_timer wake;  // goes off when the request's time is up; cancelled when there is news, or when asked
  bool asked = false;       // to find out whether the peer is there
  CurlHandle handle;
  std::size_t closings = 0;  // of connections, when it took the handle
  CurlList headers;
  HttpResponse response;
  std::string pieces;  // of a stream, not yet given to the caller
  bool opened = false;
  bool told_opened = false;
  bool overfull = false;  // more is waiting in `pieces` than may; see CurlMulti::overfull_
  std::size_t header_bytes = 0;
  std::string retry_after;  // the header, as it came: the Date that it counts from may follow
  bool too_large = false;
  bool finished = false;
  CURLcode result = CURLE_OK;
  curl_off_t bytes = 0;  // of the body, that libcurl took so far
  bool hurried = false;  // asked for since it took the last of them
  std::array<char, CURL_ERROR_SIZE> error{};
};

// A libcurl multi handle with its connections and sockets. Shared by its transfers; handlers of Asio hold it weakly.
class CurlMulti : public std::enable_shared_from_this<CurlMulti> {
 public:
  CurlMulti(asio::any_io_executor executor, const Endpoint& endpoint, Patience patience);
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;
  CurlMulti(CurlMulti&&) = delete;
  CurlMulti& operator=(CurlMulti&&) = delete;

  void add(CurlTransfer& transfer);
  // Ends the exchange if it is not over, and takes its handle back.
  void remove(CurlTransfer& transfer);
  // Ends it as failed.
  void give_up(CurlTransfer& transfer, CURLcode code, const std::string& why);
  // Fails all that is under way: the peer is dead, and libcurl would go on to use the connection.
  void condemn();

  // Whether nothing at all has come from the peer for so long.
  [[nodiscard]] bool silent(std::chrono::milliseconds limit) const;
  bool checking = false;  // one check of the peer at a time

  // Nothing more is read from the connection while a stream has more waiting than it may.
  void set_overfull(CurlTransfer& transfer, bool overfull);

  [[nodiscard]] const CurlEndpoint& endpoint() const { return endpoint_; }

  // How many connections have closed so far.
  [[nodiscard]] std::size_t closings() const { return closings_; }

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
    bool gathering = false;
    bool removed = false;
  };
  using SocketPtr = std::shared_ptr<Socket>;
  using WaitType = asio::posix::stream_descriptor::wait_type;
  using TimePoint = std::chrono::steady_clock::time_point;

  // Takes it out of libcurl's hands, if it is still in them.
  void withdraw(CurlTransfer& transfer);
  CurlHandle take_handle(const HttpRequest& request, bool streaming);
  void keep_handle(CurlTransfer& transfer);

  // What libcurl asks for: waits for sockets and time.
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self_pointer, void* socket);
  static int on_timer(CURLM* multi, long timeout_ms, void* self_pointer);
  void post_kick();
  void arm(const SocketPtr& socket);
  void wait(const SocketPtr& socket, WaitType direction);
  void on_ready(const SocketPtr& socket, WaitType direction, std::error_code failure);
  void look(const SocketPtr& socket, WaitType direction, std::error_code failure);
  [[nodiscard]] bool is_crowded();
  bool read_for_all(const SocketPtr& socket);
  bool wake_one();
  void gather(const SocketPtr& socket, bool crowded);
  // Whether no transfer failed meanwhile.
  bool act(curl_socket_t fd, int events);
  void cork(bool on);
  void note_answer(CURL* easy);
  void note_connection(CURL* easy);

  // What libcurl delivers.
  static std::size_t on_header(const char* bytes, std::size_t one, std::size_t size, void* transfer_pointer);
  static std::size_t on_body(const char* bytes, std::size_t one, std::size_t size, void* transfer_pointer);

  // That no answer stops halfway.
  void look_after_parts();
  void post_look_again();
  void look_again();
  void await_rest();
  void hurry();

  // That no dead peer is waited for.
  [[nodiscard]] std::chrono::milliseconds slack() const;
  [[nodiscard]] TimePoint end_of_patience() const;
  void look_at_peer_at(TimePoint when);
  void look_after_peer();

  const CurlEndpoint endpoint_;
  const Patience patience_;
  asio::any_io_executor executor_;
  asio::steady_timer timer_;      // libcurl's
  asio::steady_timer next_look_;  // after the peer
  asio::steady_timer rest_;
  bool rest_awaited_ = false;
  bool kicked_ = false;
  std::size_t unsent_ = 0;  // requests that libcurl has not yet looked at
  bool again_ = false;
  TimePoint last_heard_ = std::chrono::steady_clock::now();
  TimePoint last_asked_;                     // when a request came to wait where none did
  bool heard_ = false;                       // in this look
  std::chrono::microseconds answer_time_{};  // of a request, a moving average
  curl_off_t answer_bytes_ = 0;              // likewise
  std::chrono::microseconds network_time_ = std::chrono::microseconds::max();  // of a round trip
  bool multiplexed_ = false;                                                   // whether answers share a connection
  std::vector<CurlHandle> idle_;
  std::size_t closings_ = 0;
  std::size_t overfull_ = 0;  // transfers
  std::size_t bursting_ = 0;  // requests, not streams, that hold a handle
  std::unordered_set<CurlTransfer*> transfers_;
  std::vector<CurlTransfer*> sending_;   // those of them of whose body a part may not have left
  std::vector<CurlTransfer*> answered_;  // those of them of whose answer a part is here
  std::unordered_map<curl_socket_t, SocketPtr> sockets_;
  CURLM* multi_;
};

}  // namespace regsync::kube
