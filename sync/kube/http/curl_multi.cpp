#include "sync/kube/http/curl_multi.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/post.hpp>
#include <cstring>
#include <utility>

#include "sync/kube/http/retry_after.hpp"

namespace regsync::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// client-go: net.Dialer.Timeout of the default transport (k8s.io/client-go/transport/cache.go).
constexpr milliseconds connect_timeout = seconds(30);
// A burst of requests hands its handles on; after it, this many stay, each with its buffer.
constexpr std::size_t idle_handles_kept = 1;
// Many requests that begin at once leave in portions: the server works on the first ones meanwhile. Each portion is as
// large as all before it together, up to this.
constexpr std::size_t largest_portion = 16;
// With so many requests under way, one reads for all (read_for_all), and answers gather until a part of what waits at
// the server is there, or the same part of the time for which it waits is over, so that a look finds several. The
// server has the other requests to go on with.
constexpr std::size_t crowd = 16;
constexpr int gathered_part = 3;          // a third
constexpr milliseconds shortest_wait(3);  // at the server: less is not worth a timer
constexpr milliseconds longest_gathering(20);
constexpr std::int64_t most_gathered = 64 * 1024;  // bytes
// So long after a part of an answer, the rest of it is asked for (look_after_parts).
constexpr milliseconds pause_within_answer(50);
// The longest body of a refusal that is worth reading: the rest is left.
constexpr std::size_t longest_refusal = 256 * 1024;
// All headers of an answer, in bytes. Go's servers and clients stop at one MiB, nginx at far less.
constexpr std::size_t longest_head = 256 * 1024;
// Of a stream, in bytes, that its coroutine has not taken yet: then the kernel keeps the rest, and tells the server.
constexpr std::size_t most_waiting = 1024 * 1024;

// The few headers that somebody wants.
void note_header(std::string_view line, CurlTransfer& transfer) {
  HttpResponse& response = transfer.response;
  const auto is = [line](std::string_view name) {
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size was looked at
    return line.size() > name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
  };
  std::string_view value = line.substr(std::min(line.find(':'), line.size() - 1) + 1);
  while (!value.empty() && value.front() == ' ') {
    value.remove_prefix(1);
  }
  if (is("retry-after:")) {
    transfer.retry_after = value;
  } else if (is("date:")) {
    response.date = value;
  } else if (is("location:")) {
    response.location = value;
  } else if (is("www-authenticate:")) {
    response.www_authenticate.append(response.www_authenticate.empty() ? "" : ", ").append(value);
  }
}

// How many bytes there must be for the kernel to call the socket readable.
void set_low_water_mark(curl_socket_t fd, int bytes) { setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes); }

bool has_unread(curl_socket_t fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) != 0 || bytes > 0;
}

// Whether the kernel keeps what does not fill a packet, for 200 ms at most (tcp(7)).
void set_cork(curl_socket_t fd, bool on) {
  const int value = on ? 1 : 0;
  setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

}  // namespace

CurlTransfer::CurlTransfer(std::shared_ptr<CurlMulti> on, const asio::any_io_executor& executor, const HttpRequest& of,
                           bool stream)
    : multi(std::move(on)), request(of), streaming(stream), wake(executor, of.timeout) {
  multi->add(*this);
}

CurlTransfer::~CurlTransfer() {
  multi->set_overfull(*this, false);
  multi->remove(*this);
}

std::string CurlTransfer::take_pieces(std::string kept) {
  constexpr std::size_t worth_keeping = std::size_t{64} * 1024;
  kept.clear();
  if (kept.capacity() > worth_keeping) {
    kept = {};
  }
  pieces.swap(kept);
  multi->set_overfull(*this, false);
  return kept;
}

void CurlTransfer::finish(CURLcode code) {
  result = code;
  finished = true;
  wake.cancel();
}

void CurlTransfer::ask() {
  asked = true;
  wake.cancel();
}

bool CurlTransfer::saw_closing() const { return closings != multi->closings(); }

bool CurlTransfer::has_sent() const {
  curl_off_t bytes_sent = 0;
  curl_easy_getinfo(handle.easy.get(), CURLINFO_SIZE_UPLOAD_T, &bytes_sent);
  return static_cast<std::size_t>(bytes_sent) >= request.body.size();
}

Error CurlTransfer::failure() const {
  if (too_large) {
    return {ErrorCode::protocol, "the answer is larger than " + std::to_string(request.max_answer >> 20) + " MiB"};
  }
  if (header_bytes > longest_head) {
    return {ErrorCode::protocol, "the answer has more than " + std::to_string(longest_head >> 10) + " KiB of headers"};
  }
  return multi->endpoint().error_of(handle.easy.get(), result, error.data());
}

CurlMulti::CurlMulti(asio::any_io_executor executor, const Endpoint& endpoint, Patience patience)
    : endpoint_(endpoint),
      patience_(patience),
      executor_(std::move(executor)),
      timer_(executor_),
      next_look_(executor_),
      rest_(executor_),
      multi_(curl_multi_init()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
}

CurlMulti::~CurlMulti() {
  curl_multi_cleanup(multi_);  // calls on_socket for what is still open: the sockets must outlive it
}

void CurlMulti::add(CurlTransfer& transfer) {
  transfer.handle = take_handle(transfer.request, transfer.streaming);
  transfer.closings = closings_;
  CURL* const easy = transfer.handle.easy.get();
  endpoint_.configure(easy, transfer.request, transfer.headers);
  // How long it tries the addresses of a host. Where there is a connection already the request's own time is enough:
  // libcurl keeps a timer for this, also when it has long been connected, and would wake up for each watch.
  const auto to_connect = sockets_.empty() ? connect_timeout : milliseconds(0);
  set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(to_connect.count()));
  set_option(easy, CURLOPT_HEADERFUNCTION, &CurlMulti::on_header);
  set_option(easy, CURLOPT_HEADERDATA, &transfer);
  set_option(easy, CURLOPT_WRITEFUNCTION, &CurlMulti::on_body);
  set_option(easy, CURLOPT_WRITEDATA, &transfer);
  set_option(easy, CURLOPT_PRIVATE, &transfer);
  set_option(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  const CURLMcode code = curl_multi_add_handle(multi_, easy);
  if (code != CURLM_OK) {
    throw Error(ErrorCode::internal, std::string("libcurl takes no request: ") + curl_multi_strerror(code));
  }
  transfers_.insert(&transfer);
  sending_.push_back(&transfer);
  const bool first = transfers_.size() == 1;
  if (first) {
    last_heard_ = steady_clock::now();  // silence counts from when somebody waits
  }
  if (!transfer.streaming && bursting_++ == 0) {
    last_asked_ = steady_clock::now();
  }
  if (const auto end = end_of_patience(); first || end < next_look_.expiry()) {
    look_at_peer_at(end);
  }
  if (overfull_ == 0 && ++unsent_ >= std::min(largest_portion, transfers_.size() / 2 + 1)) {
    act(CURL_SOCKET_TIMEOUT, 0);
  }
}

void CurlMulti::remove(CurlTransfer& transfer) {
  withdraw(transfer);
  if (transfers_.empty()) {
    next_look_.cancel();
  }
  if (transfer.handle.easy && !transfer.streaming) {
    keep_handle(transfer);
  }
}

void CurlMulti::give_up(CurlTransfer& transfer, CURLcode code, const std::string& why) {
  withdraw(transfer);
  transfer.error[why.copy(transfer.error.data(), transfer.error.size() - 1)] = '\0';
  transfer.finish(code);
}

void CurlMulti::condemn() {
  const auto doomed = transfers_;
  for (CurlTransfer* transfer : doomed) {  // NOLINT(bugprone-nondeterministic-pointer-iteration-order): all end
    give_up(*transfer, CURLE_RECV_ERROR, "the connection is dead: its peer answers nothing any more");
  }
}

void CurlMulti::set_overfull(CurlTransfer& transfer, bool overfull) {
  if (std::exchange(transfer.overfull, overfull) == overfull) {
    return;
  }
  if (overfull) {
    ++overfull_;
    return;
  }
  --overfull_;
  if (overfull_ == 0) {
    for (const auto& [fd, socket] : sockets_) {
      arm(socket);
    }
    if (kicked_) {
      post_kick();
    }
    if (again_) {
      post_look_again();
    }
  }
}

bool CurlMulti::silent(milliseconds limit) const { return steady_clock::now() - last_heard_ >= limit; }

void CurlMulti::withdraw(CurlTransfer& transfer) {
  if (transfers_.erase(&transfer) > 0) {
    std::erase(sending_, &transfer);
    std::erase(answered_, &transfer);
    curl_multi_remove_handle(multi_, transfer.handle.easy.get());
  }
}

CurlHandle CurlMulti::take_handle(const HttpRequest& request, bool streaming) {
  static const auto none = std::make_shared<const TlsMaterial>();
  const auto& tls = request.proof && request.proof->tls ? request.proof->tls : none;
  if (!idle_.empty() && idle_.back().tls != tls) {
    idle_.clear();
  }
  if (!idle_.empty() && !streaming) {
    CurlHandle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  return {tls, endpoint_.make_handle(*tls, streaming)};
}

// For the next request, unless this one met with a failure or a connection that closed: libcurl counts how often it had
// to try again over all requests of a handle, and gives up at the fifth.
void CurlMulti::keep_handle(CurlTransfer& transfer) {
  if (transfer.finished && transfer.result == CURLE_OK && !transfer.saw_closing()) {
    idle_.push_back(std::move(transfer.handle));
  }
  if (--bursting_ == 0 && idle_.size() > idle_handles_kept) {
    idle_.resize(idle_handles_kept);
  }
}

int CurlMulti::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self_pointer, void* /*socket*/) {
  auto& self = *static_cast<CurlMulti*>(self_pointer);
  const auto found = self.sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (found != self.sockets_.end()) {
      found->second->removed = true;
      set_low_water_mark(fd, 1);  // libcurl may keep the connection for another request
      set_cork(fd, false);
      found->second->descriptor.release();  // libcurl owns the file descriptor
      self.sockets_.erase(found);
    }
    ++self.closings_;  // or it is idle: no matter
    // What was on it, libcurl may send again on another one.
    self.sending_.assign(self.transfers_.begin(), self.transfers_.end());
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

int CurlMulti::on_timer(CURLM* /*multi*/, long timeout_ms, void* self_pointer) {
  auto& self = *static_cast<CurlMulti*>(self_pointer);
  if (timeout_ms == 0) {
    // "As soon as possible" is what every new request asks for: a post costs less than a timer.
    if (!std::exchange(self.kicked_, true)) {
      self.post_kick();
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

void CurlMulti::post_kick() {
  asio::post(executor_, [weak = weak_from_this()] {
    const auto multi = weak.lock();
    if (multi && multi->overfull_ == 0) {  // else set_overfull goes on: it may be there to read more
      multi->kicked_ = false;
      multi->act(CURL_SOCKET_TIMEOUT, 0);
    }
  });
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
      self->on_ready(socket, direction, failure);
    }
  });
}

void CurlMulti::on_ready(const SocketPtr& socket, WaitType direction, std::error_code failure) {
  const bool read = direction == asio::posix::stream_descriptor::wait_read;
  (read ? socket->reading : socket->writing) = false;
  if (socket->removed || (read && overfull_ > 0)) {
    return;
  }
  look(socket, direction, failure);
}

void CurlMulti::look(const SocketPtr& socket, WaitType direction, std::error_code failure) {
  const bool reading = direction == asio::posix::stream_descriptor::wait_read;
  const bool crowded = is_crowded();
  if ((socket->wanted & (reading ? CURL_POLL_IN : CURL_POLL_OUT)) != 0) {
    if (failure) {
      act(socket->fd, CURL_CSELECT_ERR);
    } else if (!reading) {
      act(socket->fd, CURL_CSELECT_OUT);
    } else if (!crowded || !read_for_all(socket)) {
      act(socket->fd, CURL_CSELECT_IN);
    }
  }
  if (!socket->removed && !failure) {
    gather(socket, crowded);
    arm(socket);
  }
}

// Whether there are many, and all of them wait for their answers. Who still sends must see for itself, and at once,
// when the server's flow control (RFC 9113, 5.2) lets it go on: libcurl tells nobody.
bool CurlMulti::is_crowded() {
  std::erase_if(sending_, [](const auto* transfer) { return transfer->has_sent() && !transfer->saw_closing(); });
  return multiplexed_ && bursting_ >= crowd && sending_.empty();
}

// libcurl has each transfer of a connection try to read what has come: of 64, two thirds for nothing. Here one does,
// and what it finds for others has libcurl run these. False where the others must look as well: for bytes that it left,
// or because of an end of the connection.
bool CurlMulti::read_for_all(const SocketPtr& socket) {
  if (sockets_.size() != 1 || !wake_one()) {
    return false;
  }
  const bool well = act(CURL_SOCKET_TIMEOUT, 0);
  return socket->removed || (well && !has_unread(socket->fd));
}

// Whoever ends a pause is run next. Who has no connection yet cannot pause.
bool CurlMulti::wake_one() {
  const bool kicked = std::exchange(kicked_, true);  // the run that libcurl asks for follows at once
  const bool woken = std::any_of(transfers_.begin(), transfers_.end(), [](const auto* transfer) {
    CURL* const easy = transfer->handle.easy.get();
    return curl_easy_pause(easy, CURLPAUSE_SEND) == CURLE_OK && curl_easy_pause(easy, CURLPAUSE_CONT) == CURLE_OK;
  });
  kicked_ = kicked;
  return woken;
}

void CurlMulti::gather(const SocketPtr& socket, bool crowded) {
  // Requests on their way to a distant server, and answers on theirs from it, are nothing that it could go on with.
  const auto at_server = std::max(answer_time_ - network_time_, std::chrono::microseconds(0));
  if (!crowded || at_server < shortest_wait) {
    if (std::exchange(socket->gathering, false)) {
      set_low_water_mark(socket->fd, 1);  // wakes us if something is there already
      socket->gathered.cancel();
    }
    return;
  }
  socket->gathering = true;
  const auto awaited = static_cast<std::int64_t>(bursting_) * answer_bytes_;
  const auto part = awaited * at_server.count() / answer_time_.count() / gathered_part;
  set_low_water_mark(socket->fd, static_cast<int>(std::clamp<std::int64_t>(part, 1, most_gathered)));
  socket->gathered.expires_after(std::min<steady_clock::duration>(at_server / gathered_part, longest_gathering));
  socket->gathered.async_wait([weak = weak_from_this(), socket](std::error_code cancelled) {
    const auto self = weak.lock();
    if (self && !cancelled && !socket->removed) {
      self->look(socket, asio::posix::stream_descriptor::wait_read, {});
    }
  });
}

bool CurlMulti::act(curl_socket_t fd, int events) {
  bool well = true;
  int running = 0;
  const bool corked = bursting_ > 1;
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
  if (std::exchange(heard_, false)) {
    last_heard_ = steady_clock::now();
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) {
      CurlTransfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      const CURLcode code = message->data.result;
      well = well && code == CURLE_OK;
      withdraw(*transfer);
      if (!transfer->streaming) {
        note_answer(transfer->handle.easy.get());
      }
      transfer->finish(code);
    }
  }
  look_after_parts();
  return well;
}

// libcurl writes the head and the body of each request by themselves. What it writes in one look leaves together:
// a server under load did a third more, not being woken for each piece.
void CurlMulti::cork(bool on) {
  for (const auto& [fd, socket] : sockets_) {
    set_cork(fd, on);
  }
}

void CurlMulti::note_answer(CURL* easy) {
  curl_off_t taken = 0;
  curl_off_t bytes = 0;
  long version = CURL_HTTP_VERSION_NONE;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &taken);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  answer_time_ += (std::chrono::microseconds(taken) - answer_time_) / 8;
  answer_bytes_ += (bytes - answer_bytes_) / 8;
  multiplexed_ = version == CURL_HTTP_VERSION_2_0;
}

// A TLS handshake is a round trip, with next to no work for the server, and all the way to it where a proxy only passes
// bytes on. The fastest one counts.
void CurlMulti::note_connection(CURL* easy) {
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
    network_time_ = std::min(network_time_, std::chrono::microseconds(secured - connected));
  }
}

std::size_t CurlMulti::on_header(const char* bytes, std::size_t /*one*/, std::size_t size, void* transfer_pointer) {
  auto& transfer = *static_cast<CurlTransfer*>(transfer_pointer);
  transfer.multi->heard_ = true;
  transfer.header_bytes += size;
  if (transfer.header_bytes > longest_head) {
    return 0;
  }
  CURL* const easy = transfer.handle.easy.get();
  std::string_view line(bytes, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) {
    line.remove_suffix(1);
  }
  if (line.empty()) {
    transfer.multi->note_connection(easy);
    if (transfer.response.status == 0) {
      transfer.multi->answered_.push_back(&transfer);
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &transfer.response.status);
    transfer.response.retry_after = parse_retry_after(transfer.retry_after, transfer.response.date);
    if (transfer.streaming && transfer.response.status / 100 == 2) {
      transfer.opened = true;
      transfer.wake.cancel();
    }
    return size;
  }
  note_header(line, transfer);
  return size;
}

std::size_t CurlMulti::on_body(const char* bytes, std::size_t /*one*/, std::size_t size, void* transfer_pointer) {
  auto& transfer = *static_cast<CurlTransfer*>(transfer_pointer);
  transfer.multi->heard_ = true;
  if (transfer.opened) {
    transfer.pieces.append(bytes, size);
    transfer.wake.cancel();
    if (transfer.pieces.size() > most_waiting) {
      transfer.multi->set_overfull(transfer, true);
    }
    return size;
  }
  const bool refused = transfer.response.status >= 300;
  const std::size_t limit = refused ? longest_refusal : transfer.request.max_answer;
  if (transfer.response.body.size() + size > limit) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(bytes, size);
  return size;
}

// libcurl 7.88 can lose sight of what it has read, when the buffer of a stream is full while another one is read:
//  - What follows in what was read from the connection waits until somebody looks (cf_h2_data_pending compares the
//    wrong way round). So as long as a transfer that goes on takes bytes, and is so large that it may have filled its
//    buffer, all are looked at once more.
//  - The end of the stream waits until the next byte comes over the connection (nghttp2 was paused in the last frame,
//    and is called only with bytes). So who has a part of an answer, and hears nothing, asks for something small.
void CurlMulti::look_after_parts() {
  bool taken = false;
  bool waiting = false;
  for (CurlTransfer* transfer : answered_) {
    curl_off_t bytes = 0;
    curl_easy_getinfo(transfer->handle.easy.get(), CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    if (std::exchange(transfer->bytes, bytes) != bytes) {
      taken = taken || transfer->may_have_filled_buffer();
      transfer->hurried = false;
    }
    waiting = waiting || transfer->wants_rest();
  }
  if (taken && !std::exchange(again_, true)) {
    post_look_again();
  }
  if (waiting && !std::exchange(rest_awaited_, true)) {
    await_rest();
  }
}

void CurlMulti::post_look_again() {
  asio::post(executor_, [weak = weak_from_this()] {
    if (const auto multi = weak.lock()) {
      multi->look_again();
    }
  });
}

void CurlMulti::look_again() {
  if (overfull_ > 0) {
    return;  // set_overfull goes on
  }
  again_ = false;
  std::vector<curl_socket_t> open;
  for (const auto& [fd, socket] : sockets_) {
    open.push_back(fd);
  }
  for (const auto fd : open) {
    act(fd, CURL_CSELECT_IN);
  }
}

void CurlMulti::await_rest() {
  rest_.expires_at(last_heard_ + pause_within_answer);
  rest_.async_wait([weak = weak_from_this()](std::error_code /*never cancelled*/) {
    if (const auto multi = weak.lock()) {
      multi->rest_awaited_ = false;
      multi->hurry();
    }
  });
}

void CurlMulti::hurry() {
  for (CurlTransfer* transfer : answered_) {
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

// A look may come early by this: looks fall on its multiples, so that those of many clients are one wake-up.
milliseconds CurlMulti::slack() const { return patience_.silence / 7; }

CurlMulti::TimePoint CurlMulti::end_of_patience() const {
  const auto end =
      bursting_ > 0 ? std::max(last_heard_, last_asked_) + patience_.silence : last_heard_ + patience_.quiet;
  return end - end.time_since_epoch() % slack();
}

void CurlMulti::look_at_peer_at(TimePoint when) {
  next_look_.expires_at(when);
  next_look_.async_wait([weak = weak_from_this()](std::error_code cancelled) {
    const auto multi = weak.lock();
    if (multi && !cancelled) {
      multi->look_after_peer();
    }
  });
}

// One of those who wait asks; should it go away before the answer, the next look has another one ask.
void CurlMulti::look_after_peer() {
  if (transfers_.empty()) {
    return;
  }
  if (const auto end = end_of_patience(); steady_clock::now() < end) {
    look_at_peer_at(end);
    return;
  }
  if (!checking) {
    (*transfers_.begin())->ask();
  }
  look_at_peer_at(steady_clock::now() + patience_.answer);
}

}  // namespace regsync::kube
