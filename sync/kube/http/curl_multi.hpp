// The bridge between libcurl's multi_socket interface and Asio: it waits for the sockets and the time that libcurl asks
// for, and runs libcurl when they are there. What is done beside that is a part of its own, which can be left out:
//  - reading answers in batches: answer_batches.hpp,
//  - answers that stop halfway: stalled_answers.hpp,
//  - asking silent peers: silent_peer.hpp.
//
// One io_context thread. libcurl calls back only from within calls made here (curl_multi_*, curl_easy_pause); nothing
// called back from there enters libcurl again: completions and timeouts reach their coroutines through the executor.
#pragma once

#include <curl/curl.h>

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sync/kube/http/answer_batches.hpp"
#include "sync/kube/http/curl_endpoint.hpp"
#include "sync/kube/http/curl_transfer.hpp"
#include "sync/kube/http/http_client.hpp"
#include "sync/kube/http/silent_peer.hpp"
#include "sync/kube/http/stalled_answers.hpp"

namespace regsync::kube {

// A libcurl multi handle with its connections and sockets. Shared by its transfers; handlers of Asio hold it weakly.
class CurlMulti : public std::enable_shared_from_this<CurlMulti> {
 public:
  CurlMulti(asio::any_io_executor executor, const Endpoint& endpoint, Patience patience, HttpParts parts);
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
  void condemn(const std::string& why = "the connection is dead: the server no longer answers");

  // As HttpTransport::release_idle_memory(): streams alone need less memory.
  IdleRelease release_idle_memory();

  // One check of the peer at a time.
  void set_checking(bool checking) { checking_ = checking; }
  // Whether nothing at all has come from the peer for so long.
  [[nodiscard]] bool is_silent_for(std::chrono::milliseconds time) const { return peer_.is_silent_for(time); }

  // Nothing more is read from the connections while a stream has more waiting than it may.
  void set_overfull(CurlTransfer& transfer, bool overfull);

  [[nodiscard]] const CurlEndpoint& endpoint() const { return endpoint_; }
  // How many connections have closed so far.
  [[nodiscard]] std::size_t closed_connections() const { return closed_connections_; }

  // Called by transfers from within libcurl.
  void note_bytes() { peer_.hear(); }
  void note_head(CurlTransfer& transfer, bool first);

 private:
  struct Socket {
    Socket(const asio::any_io_executor& executor, curl_socket_t of)
        : fd(of), descriptor(executor, of), batch_timer(executor) {}
    curl_socket_t fd;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer batch_timer;
    int wanted = CURL_POLL_NONE;
    bool reading = false;  // a wait is armed
    bool writing = false;
    bool batching = false;  // the kernel wakes us for a batch only
    bool removed = false;
  };
  using SocketPtr = std::shared_ptr<Socket>;
  using WaitType = asio::posix::stream_descriptor::wait_type;

  // Takes it out of libcurl's hands, if it is still in them.
  void withdraw(CurlTransfer& transfer);
  CurlHandle take_handle(const HttpRequest& request, bool stream);
  void keep_handle(CurlTransfer& transfer);
  void keep_tls_buffers(bool keep);

  // What libcurl asks for: waits for sockets and time.
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self_pointer, void* socket);
  static int on_timer(CURLM* multi, long timeout_ms, void* self_pointer);
  void follow(curl_socket_t fd, int what);
  void post_run();
  void post_read_again();
  void arm(const SocketPtr& socket);
  void wait(const SocketPtr& socket, WaitType direction);
  void on_ready(const SocketPtr& socket, WaitType direction, std::error_code failure);

  // Does what a socket or a timer asks for. What it throws is what everything under way fails with.
  template <typename Work>
  void guard(Work&& work);
  // Runs libcurl for what has happened. False if a transfer failed meanwhile.
  bool run(curl_socket_t fd, int events);
  // Tells the transfers that have ended. False if one of them failed.
  bool finish_ended();
  void read(const SocketPtr& socket, bool batching);
  void read_again();
  void cork(bool on);

  // Reading in batches.
  [[nodiscard]] bool may_batch();
  bool read_once_for_all(const SocketPtr& socket);
  bool wake_one();
  void wait_for_batch(const SocketPtr& socket, bool batching);

  void ask_peer();

  const CurlEndpoint endpoint_;
  const HttpParts parts_;
  asio::any_io_executor executor_;
  asio::steady_timer timer_;        // libcurl's
  bool run_posted_ = false;         // or to be posted once no stream is overfull
  bool read_again_posted_ = false;  // likewise
  bool checking_ = false;
  std::size_t unsent_ = 0;  // requests that libcurl has not seen yet
  std::vector<CurlHandle> idle_;
  std::size_t closed_connections_ = 0;
  std::size_t requests_ = 0;  // not streams, that hold a handle
  bool was_asked_ = false;    // for something that is no stream, since release_idle_memory()
  bool released_ = false;     // and nothing was asked for since
  std::unordered_set<CurlTransfer*> transfers_;
  std::unordered_set<CurlTransfer*> overfull_;  // those of them with too much waiting
  std::vector<CurlTransfer*> sending_;          // those of them of whose body a part may not have left
  std::unordered_map<curl_socket_t, SocketPtr> sockets_;
  AnswerBatches batches_;
  SilentPeer peer_;
  StalledAnswers stalled_;
  CURLM* multi_;
};

}  // namespace regsync::kube
