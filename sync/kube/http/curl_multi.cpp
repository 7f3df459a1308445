#include "sync/kube/http/curl_multi.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// client-go: net.Dialer.Timeout of the default transport (k8s.io/client-go/transport/cache.go).
constexpr milliseconds connect_timeout = seconds(30);
// A burst of requests reuses handles; afterwards, this many are kept, each with its buffer.
constexpr std::size_t idle_handles_kept = 1;
// Many requests that begin at once are sent in portions, so that the server works on the first ones meanwhile. Each
// portion is as large as all before it together, up to this limit.
constexpr std::size_t largest_portion = 16;

// Sets how many bytes must arrive before the kernel reports the socket as readable.
void set_low_water_mark(curl_socket_t fd, int bytes) { setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes); }

bool has_unread(curl_socket_t fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) != 0 || bytes > 0;
}

// Sets whether the kernel holds back partial packets, for 200 ms at most (tcp(7)).
void set_cork(curl_socket_t fd, bool on) {
  const int value = on ? 1 : 0;
  setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

void note_answer(AnswerBatches& batches, CURL* easy) {
  curl_off_t taken = 0;
  curl_off_t bytes = 0;
  long version = CURL_HTTP_VERSION_NONE;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &taken);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  batches.note_answer(std::chrono::microseconds(taken), bytes, version == CURL_HTTP_VERSION_2_0);
}

// Notes the handshake if the request made its connection.
void note_connection(AnswerBatches& batches, CURL* easy) {
  long made = 0;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
  if (made == 0) {
    return;
  }
  curl_off_t connected = 0;
  curl_off_t secured = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secured);
  if (secured > connected) {
    batches.note_handshake(std::chrono::microseconds(secured - connected));
  }
}

}  // namespace

CurlMulti::CurlMulti(asio::any_io_executor executor, const Endpoint& endpoint, Patience patience, HttpParts parts)
    : endpoint_(endpoint),
      parts_(parts),
      executor_(std::move(executor)),
      timer_(executor_),
      peer_(executor_, patience, parts.ask_silent_peers, [this] { ask_peer(); }),
      stalled_(
          executor_, peer_, parts.mend_stalled_answers, [this] { post_read_again(); }, [this] { return !checking_; }),
      multi_(curl_multi_init()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
}

CurlMulti::~CurlMulti() {
  curl_multi_cleanup(multi_);  // calls on_socket for open sockets, which must outlive it
}

void CurlMulti::add(CurlTransfer& transfer) {
  transfer.use(take_handle(transfer.request(), transfer.is_stream()), endpoint_, closed_connections_);
  // The time to try the addresses of a host. With an existing connection, the request's own timeout is enough: libcurl
  // keeps a timer for this even when it has long been connected, and would wake up for each watch.
  const auto to_connect = sockets_.empty() ? connect_timeout : milliseconds(0);
  set_option(transfer.easy(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(to_connect.count()));
  const CURLMcode code = curl_multi_add_handle(multi_, transfer.easy());
  if (code != CURLM_OK) {
    throw Error(ErrorCode::internal, std::string("libcurl does not accept the request: ") + curl_multi_strerror(code));
  }
  transfers_.insert(&transfer);
  sending_.push_back(&transfer);
  if (!transfer.is_stream()) {
    ++requests_;
    was_asked_ = true;
    if (std::exchange(released_, false)) {
      keep_tls_buffers(true);
    }
  }
  peer_.wait_for(transfers_.size(), requests_);
  if (++unsent_ >= std::min(largest_portion, transfers_.size() / 2 + 1) && overfull_.empty()) {
    run(CURL_SOCKET_TIMEOUT, 0);
  }
}

void CurlMulti::remove(CurlTransfer& transfer) {
  withdraw(transfer);
  if (transfer.easy() != nullptr && !transfer.is_stream()) {
    keep_handle(transfer);
  }
  peer_.wait_for(transfers_.size(), requests_);
}

IdleRelease CurlMulti::release_idle_memory() {
  const bool was_asked = std::exchange(was_asked_, false);
  if (requests_ > 0 || released_) {
    return {};  // if requests are in progress, a later call can release
  }
  if (was_asked) {
    return {.busy = true};
  }
  released_ = true;
  idle_.clear();
  keep_tls_buffers(false);
  return {.released = true};
}

void CurlMulti::give_up(CurlTransfer& transfer, CURLcode code, const std::string& why) {
  withdraw(transfer);
  transfer.finish(code, why);
}

void CurlMulti::condemn(const std::string& why) {
  const auto doomed = transfers_;
  for (CurlTransfer* transfer : doomed) {  // NOLINT(bugprone-nondeterministic-pointer-iteration-order): all end
    give_up(*transfer, CURLE_RECV_ERROR, why);
  }
}

void CurlMulti::set_overfull(CurlTransfer& transfer, bool overfull) {
  if (overfull) {
    overfull_.insert(&transfer);
    return;
  }
  if (overfull_.erase(&transfer) == 0 || !overfull_.empty()) {
    return;
  }
  for (const auto& [fd, socket] : sockets_) {
    arm(socket);
  }
  if (std::exchange(run_posted_, false)) {
    post_run();
  }
  if (std::exchange(read_again_posted_, false)) {
    post_read_again();
  }
}

void CurlMulti::withdraw(CurlTransfer& transfer) {
  if (transfers_.erase(&transfer) > 0) {
    std::erase(sending_, &transfer);
    stalled_.end(transfer);
    curl_multi_remove_handle(multi_, transfer.easy());
    peer_.wait_for(transfers_.size(), requests_);
  }
}

CurlHandle CurlMulti::take_handle(const HttpRequest& request, bool stream) {
  static const auto none = std::make_shared<const TlsMaterial>();
  const auto& tls = request.proof && request.proof->tls ? request.proof->tls : none;
  if (!idle_.empty() && idle_.back().tls != tls) {
    idle_.clear();
  }
  if (!idle_.empty() && !stream) {
    CurlHandle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  return {tls, endpoint_.make_handle(*tls, stream)};
}

void CurlMulti::keep_handle(CurlTransfer& transfer) {
  if (CurlHandle handle = transfer.release_handle(); handle.easy) {
    idle_.push_back(std::move(handle));
  }
  if (--requests_ == 0 && idle_.size() > idle_handles_kept) {
    idle_.resize(idle_handles_kept);
  }
}

void CurlMulti::keep_tls_buffers(bool keep) {
  for (const CurlTransfer* transfer : transfers_) {
    CurlEndpoint::keep_tls_buffers(transfer->easy(), keep);
  }
}

int CurlMulti::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self_pointer, void* /*socket*/) {
  auto& self = *static_cast<CurlMulti*>(self_pointer);
  const auto found = self.sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (found != self.sockets_.end()) {
      found->second->removed = true;
      set_low_water_mark(fd, 1);  // libcurl may reuse the connection for another request
      set_cork(fd, false);
      found->second->descriptor.release();  // libcurl owns the file descriptor
      self.sockets_.erase(found);
    }
    ++self.closed_connections_;  // also counts an idle one, which does no harm
    // libcurl may send its requests again on another connection.
    self.sending_.assign(self.transfers_.begin(), self.transfers_.end());
    return 0;
  }
  // No exception may pass through libcurl. Transfers that need the socket would wait for ever.
  if (const auto problem = guarded([&] { self.follow(fd, what); })) {
    asio::post(self.executor_, [weak = self.weak_from_this(), why = problem->message()] {
      if (const auto multi = weak.lock()) {
        multi->condemn(why);
      }
    });
  }
  return 0;
}

void CurlMulti::follow(curl_socket_t fd, int what) {
  auto known = sockets_.find(fd);
  if (known == sockets_.end()) {
    known = sockets_.emplace(fd, std::make_shared<Socket>(executor_, fd)).first;
  }
  known->second->wanted = what;
  arm(known->second);
}

int CurlMulti::on_timer(CURLM* /*multi*/, long timeout_ms, void* self_pointer) {
  auto& self = *static_cast<CurlMulti*>(self_pointer);
  if (timeout_ms == 0) {
    self.post_run();  // every new request asks for 0 ms: a post is cheaper than a timer
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
      multi->guard([&] { multi->run(CURL_SOCKET_TIMEOUT, 0); });
    }
  });
  return 0;
}

// Runs libcurl soon, for instance to continue reading. Not while a stream is overfull; set_overfull resumes then.
void CurlMulti::post_run() {
  if (std::exchange(run_posted_, true)) {
    return;
  }
  asio::post(executor_, [weak = weak_from_this()] {
    const auto multi = weak.lock();
    if (multi && multi->overfull_.empty()) {
      multi->run_posted_ = false;
      multi->guard([&] { multi->run(CURL_SOCKET_TIMEOUT, 0); });
    }
  });
}

void CurlMulti::post_read_again() {
  if (std::exchange(read_again_posted_, true)) {
    return;
  }
  asio::post(executor_, [weak = weak_from_this()] {
    const auto multi = weak.lock();
    if (multi && multi->overfull_.empty()) {
      multi->read_again_posted_ = false;
      multi->guard([&] { multi->read_again(); });
    }
  });
}

template <typename Work>
void CurlMulti::guard(Work&& work) {
  if (const auto problem = guarded(std::forward<Work>(work))) {
    log::error("HTTP: " + describe(*problem));
    condemn(problem->message());
  }
}

void CurlMulti::arm(const SocketPtr& socket) {
  if ((socket->wanted & CURL_POLL_IN) != 0 && !std::exchange(socket->reading, true)) {
    wait(socket, asio::posix::stream_descriptor::wait_read);
  }
  if ((socket->wanted & CURL_POLL_OUT) != 0 && !std::exchange(socket->writing, true)) {
    wait(socket, asio::posix::stream_descriptor::wait_write);
  }
}

void CurlMulti::wait(const SocketPtr& socket, WaitType direction) {
  socket->descriptor.async_wait(direction, [weak = weak_from_this(), socket, direction](std::error_code failure) {
    if (const auto self = weak.lock()) {
      self->guard([&] { self->on_ready(socket, direction, failure); });
    }
  });
}

void CurlMulti::on_ready(const SocketPtr& socket, WaitType direction, std::error_code failure) {
  const bool reading = direction == asio::posix::stream_descriptor::wait_read;
  (reading ? socket->reading : socket->writing) = false;
  if (socket->removed || (reading && !overfull_.empty())) {
    return;  // set_overfull arms the wait again
  }
  const bool batching = may_batch();
  const bool wanted = (socket->wanted & (reading ? CURL_POLL_IN : CURL_POLL_OUT)) != 0;
  if (wanted && failure) {
    run(socket->fd, CURL_CSELECT_ERR);
  } else if (wanted && !reading) {
    run(socket->fd, CURL_CSELECT_OUT);
  } else if (wanted) {
    read(socket, batching);
  }
  if (!socket->removed && !failure) {
    wait_for_batch(socket, batching);
    arm(socket);
  }
}

void CurlMulti::read(const SocketPtr& socket, bool batching) {
  if (!batching || !read_once_for_all(socket)) {
    run(socket->fd, CURL_CSELECT_IN);
  }
}

void CurlMulti::read_again() {
  std::vector<curl_socket_t> open;
  for (const auto& [fd, socket] : sockets_) {
    open.push_back(fd);
  }
  for (const auto fd : open) {
    run(fd, CURL_CSELECT_IN);
  }
}

bool CurlMulti::run(curl_socket_t fd, int events) {
  int running = 0;
  const bool corked = requests_ > 1;
  if (corked) {
    cork(true);
  }
  if (fd == CURL_SOCKET_TIMEOUT) {
    unsent_ = 0;
  }
  curl_multi_socket_action(multi_, fd, events, &running);
  if (corked) {
    cork(false);
  }
  peer_.end_turn();
  const bool well = finish_ended();
  stalled_.end_turn();
  return well;
}

bool CurlMulti::finish_ended() {
  bool well = true;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) {
      continue;
    }
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    const CURLcode code = message->data.result;
    well = well && code == CURLE_OK;
    withdraw(*transfer);
    if (!transfer->is_stream()) {
      note_answer(batches_, transfer->easy());
    }
    transfer->finish(code);
  }
  return well;
}

// libcurl writes the head and the body of each request separately. Corking sends all writes of one turn together: a
// server under load handled a third more requests, because it is not woken for each piece.
void CurlMulti::cork(bool on) {
  for (const auto& [fd, socket] : sockets_) {
    set_cork(fd, on);
  }
}

void CurlMulti::note_head(CurlTransfer& transfer, bool first) {
  note_connection(batches_, transfer.easy());
  if (first) {
    stalled_.begin(transfer);
  }
}

// Whether there are many requests and all of them wait for their answers. A transfer that still sends must react at
// once when the server's flow control (RFC 9113, 5.2) lets it continue, and libcurl does not notify it.
bool CurlMulti::may_batch() {
  std::erase_if(sending_, [](const auto* transfer) { return transfer->has_sent() && !transfer->saw_closing(); });
  return parts_.read_in_batches && batches_.pay(requests_) && sending_.empty();
}

// libcurl lets each transfer of a connection try to read: with 64 transfers, two thirds of the tries find nothing. Here
// one transfer reads, and libcurl runs the others for which it found data. False if the others must read as well,
// because of bytes left over or the end of the connection.
bool CurlMulti::read_once_for_all(const SocketPtr& socket) {
  if (sockets_.size() != 1 || !wake_one()) {
    return false;
  }
  const bool well = run(CURL_SOCKET_TIMEOUT, 0);
  return socket->removed || (well && !has_unread(socket->fd));
}

// A transfer whose pause ends is run next. One without a connection cannot pause.
bool CurlMulti::wake_one() {
  const bool posted = std::exchange(run_posted_, true);  // the caller runs libcurl right after this
  const bool woken = std::any_of(transfers_.begin(), transfers_.end(), [](const auto* transfer) {
    CURL* const easy = transfer->easy();
    return curl_easy_pause(easy, CURLPAUSE_SEND) == CURLE_OK && curl_easy_pause(easy, CURLPAUSE_CONT) == CURLE_OK;
  });
  run_posted_ = posted;
  return woken;
}

void CurlMulti::wait_for_batch(const SocketPtr& socket, bool batching) {
  const auto batch = batching ? batches_.next(requests_) : std::nullopt;
  if (!batch) {
    if (std::exchange(socket->batching, false)) {
      set_low_water_mark(socket->fd, 1);  // wakes us if bytes have already arrived
      socket->batch_timer.cancel();
    }
    return;
  }
  socket->batching = true;
  set_low_water_mark(socket->fd, batch->bytes);
  socket->batch_timer.expires_after(batch->time);
  socket->batch_timer.async_wait([weak = weak_from_this(), socket](std::error_code cancelled) {
    const auto self = weak.lock();
    if (!self || cancelled || socket->removed) {
      return;
    }
    self->guard([&] {
      const bool many = self->may_batch();
      if ((socket->wanted & CURL_POLL_IN) != 0 && self->overfull_.empty()) {
        self->read(socket, many);
      }
      if (!socket->removed) {
        self->wait_for_batch(socket, many);
        self->arm(socket);
      }
    });
  });
}

// Makes one of the waiting transfers probe the peer.
void CurlMulti::ask_peer() {
  if (!checking_ && !transfers_.empty()) {
    (*transfers_.begin())->ask();
  }
}

}  // namespace regsync::kube
