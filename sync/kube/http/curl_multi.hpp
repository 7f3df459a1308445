// The bridge between libcurl's multi_socket interface and Asio: it waits for the sockets and timeouts that libcurl
// requests, and runs libcurl when they are due. Its other tasks are separate parts that can be disabled:
//  - read answers in batches: answer_batches.hpp,
//  - finish answers that stop halfway: stalled_answers.hpp,
//  - probe silent peers: silent_peer.hpp.
//
// One io_context thread. libcurl calls back only from within calls made here (curl_multi_*, curl_easy_pause); callbacks
// never enter libcurl again: completions and timeouts reach their coroutines through the executor.
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

// A libcurl multi handle with its connections and sockets. Shared by its transfers; Asio handlers hold it weakly.
class CurlMulti : public std::enable_shared_from_this<CurlMulti> {
 public:
  CurlMulti(asio::any_io_executor executor, const Endpoint& endpoint, Patience patience, HttpParts parts);
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;
  CurlMulti(CurlMulti&&) = delete;
  CurlMulti& operator=(CurlMulti&&) = delete;

  void add(CurlTransfer& transfer);
  // Ends the exchange if it is still running, and takes its handle back.
  void remove(CurlTransfer& transfer);
  // Fails the transfer.
  void give_up(CurlTransfer& transfer, CURLcode code, const std::string& why);
  // Fails all transfers: the peer is dead, and libcurl would continue to use the connection.
  void condemn(const std::string& why = "the connection is dead: the server no longer answers");

  // As HttpTransport::release_idle_memory(): with only streams left, less memory is needed.
  IdleRelease release_idle_memory();

  // Set while a check of the peer runs: there is one at a time.
  void set_checking(bool checking) { checking_ = checking; }
  // Whether nothing at all has arrived from the peer for this long.
  [[nodiscard]] bool is_silent_for(std::chrono::milliseconds time) const { return peer_.is_silent_for(time); }

  // Marks a stream with too many unread bytes. Nothing is read from the connections while there is one.
  void set_overfull(CurlTransfer& transfer, bool overfull);

  [[nodiscard]] const CurlEndpoint& endpoint() const { return endpoint_; }
  // The number of connections closed so far.
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
    bool batching = false;  // the kernel wakes us only for a batch
    bool removed = false;
  };
  using SocketPtr = std::shared_ptr<Socket>;
  using WaitType = asio::posix::stream_descriptor::wait_type;

  // Removes it from libcurl if it is still there.
  void withdraw(CurlTransfer& transfer);
  CurlHandle take_handle(const HttpRequest& request, bool stream);
  void keep_handle(CurlTransfer& transfer);
  void keep_tls_buffers(bool keep);

  // libcurl's requests to wait for sockets and timeouts.
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self_pointer, void* socket);
  static int on_timer(CURLM* multi, long timeout_ms, void* self_pointer);
  void follow(curl_socket_t fd, int what);
  void post_run();
  void post_read_again();
  void arm(const SocketPtr& socket);
  void wait(const SocketPtr& socket, WaitType direction);
  void on_ready(const SocketPtr& socket, WaitType direction, std::error_code failure);

  // Handles the event of a socket or a timer. If `work` throws, all transfers fail with that.
  template <typename Work>
  void guard(Work&& work);
  // Runs libcurl for an event. False if a transfer failed meanwhile.
  bool run(curl_socket_t fd, int events);
  // Notifies the transfers that have ended. False if one of them failed.
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
  bool run_posted_ = false;         // or will be posted once no stream is overfull
  bool read_again_posted_ = false;  // likewise
  bool checking_ = false;
  std::size_t unsent_ = 0;  // requests that libcurl has not seen yet
  std::vector<CurlHandle> idle_;
  std::size_t closed_connections_ = 0;
  std::size_t requests_ = 0;  // those that hold a handle, except streams
  bool was_asked_ = false;    // had a request, not a stream, since release_idle_memory()
  bool released_ = false;     // memory was released, and there was no request since
  std::unordered_set<CurlTransfer*> transfers_;
  std::unordered_set<CurlTransfer*> overfull_;  // those with too many unread bytes
  std::vector<CurlTransfer*> sending_;          // those whose body may not be sent completely
  std::unordered_map<curl_socket_t, SocketPtr> sockets_;
  AnswerBatches batches_;
  SilentPeer peer_;
  StalledAnswers stalled_;
  CURLM* multi_;
};

}  // namespace regsync::kube
