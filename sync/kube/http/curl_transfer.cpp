#include "sync/kube/http/curl_transfer.hpp"

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "helper/base/guarded.hpp"
#include "sync/kube/http/curl_multi.hpp"

namespace regsync::kube {
namespace {

// The longest body of a refusal to read; the rest is ignored.
constexpr std::size_t longest_refusal = 256 * 1024;
// The most bytes of a stream that may wait for its coroutine. Beyond that they stay in the kernel, which throttles the
// server.
constexpr std::size_t most_waiting = 1024 * 1024;

std::string text_of(std::chrono::milliseconds time) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  return whole == time ? std::to_string(whole.count()) + " s" : std::to_string(time.count()) + " ms";
}

// No exception may pass through libcurl, which takes a result of 0 as a failure of the transfer.
template <typename Take>
std::size_t taken(Take take) {
  std::size_t size = 0;
  return guarded([&] { size = take(); }) ? 0 : size;
}

}  // namespace

CurlTransfer::CurlTransfer(std::shared_ptr<CurlMulti> on, const asio::any_io_executor& executor,
                           const HttpRequest& request, bool stream)
    : multi_(std::move(on)), request_(request), stream_(stream), wake_(executor, request.timeout) {
  multi_->add(*this);
}

CurlTransfer::~CurlTransfer() {
  multi_->set_overfull(*this, false);
  multi_->remove(*this);
}

asio::awaitable<void> CurlTransfer::sleep() {
  std::error_code woken;
  try {
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  } catch (const std::system_error&) {
    throw Error(ErrorCode::cancelled, "the request was cancelled");  // cancelled before the wait began
  }
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    throw Error(ErrorCode::cancelled, "the request was cancelled");
  }
  if (!woken && !has_news()) {
    multi_->give_up(*this, CURLE_OPERATION_TIMEDOUT, "the answer did not come within " + text_of(request_.timeout));
  }
}

bool CurlTransfer::take_asked() { return std::exchange(asked_, false); }

bool CurlTransfer::take_opened() { return opened_ && !std::exchange(told_opened_, true); }

std::string CurlTransfer::take_pieces(std::string kept) {
  constexpr std::size_t worth_keeping = std::size_t{64} * 1024;
  kept.clear();
  if (kept.capacity() > worth_keeping) {
    kept = {};
  }
  pieces_.swap(kept);
  multi_->set_overfull(*this, false);
  return kept;
}

bool CurlTransfer::has_answer() const {
  // A server may refuse a body (413, RFC 9110 15.5.14) and close the stream before its answer is complete, or send an
  // endless refusal: its head is enough.
  const bool refused = response_.status == 413 || (too_large_ && response_.status >= 300);
  return finished_ && (result_ == CURLE_OK || refused);
}

Error CurlTransfer::failure() const {
  if (too_large_) {
    return {ErrorCode::protocol, "the answer is larger than " + std::to_string(request_.max_answer >> 20) + " MiB"};
  }
  if (head_.is_too_long()) {
    return {ErrorCode::protocol,
            "the answer has more than " + std::to_string(ResponseHead::longest >> 10) + " KiB of headers"};
  }
  if (result_ == CURLE_ABORTED_BY_CALLBACK) {
    return not_sent();
  }
  return multi_->endpoint().error_of(
      {.easy = easy(), .tls = *handle_.tls, .result = result_, .detail = error_.data(), .refusal = refusal_});
}

void CurlTransfer::use(CurlHandle handle, const CurlEndpoint& endpoint, std::size_t closed_connections) {
  handle_ = std::move(handle);
  closed_connections_ = closed_connections;
  endpoint.configure(easy(), request_, headers_);
  set_option(easy(), CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header);
  set_option(easy(), CURLOPT_HEADERDATA, this);
  set_option(easy(), CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body);
  set_option(easy(), CURLOPT_WRITEDATA, this);
  set_option(easy(), CURLOPT_PRIVATE, this);
  set_option(easy(), CURLOPT_ERRORBUFFER, error_.data());
}

CurlHandle CurlTransfer::release_handle() {
  const bool good = finished_ && result_ == CURLE_OK && !saw_closing();
  return good ? std::move(handle_) : CurlHandle{};
}

bool CurlTransfer::saw_closing() const { return closed_connections_ != multi_->closed_connections(); }

bool CurlTransfer::has_sent() const {
  curl_off_t bytes = 0;
  curl_easy_getinfo(easy(), CURLINFO_SIZE_UPLOAD_T, &bytes);
  return static_cast<std::size_t>(bytes) >= request_.body.size();
}

curl_off_t CurlTransfer::body_bytes() const {
  curl_off_t bytes = 0;
  curl_easy_getinfo(easy(), CURLINFO_SIZE_DOWNLOAD_T, &bytes);
  return bytes;
}

void CurlTransfer::ask() {
  asked_ = true;
  wake_.cancel();
}

void CurlTransfer::finish(CURLcode code, const std::string& why) {
  if (!why.empty()) {
    error_[why.copy(error_.data(), error_.size() - 1)] = '\0';
  }
  result_ = code;
  refusal_ = multi_->endpoint().refusal_of(code);
  finished_ = true;
  wake_.cancel();
}

std::size_t CurlTransfer::on_header(const char* bytes, std::size_t /*one*/, std::size_t size, void* self) {
  return taken([&] { return static_cast<CurlTransfer*>(self)->take_header({bytes, size}); });
}

std::size_t CurlTransfer::on_body(const char* bytes, std::size_t /*one*/, std::size_t size, void* self) {
  return taken([&] { return static_cast<CurlTransfer*>(self)->take_body({bytes, size}); });
}

std::size_t CurlTransfer::take_header(std::string_view line) {
  multi_->note_bytes();
  const bool is_last = head_.take(line);
  if (head_.is_too_long()) {
    return 0;
  }
  if (is_last) {
    end_head();
  }
  return line.size();
}

void CurlTransfer::end_head() {
  multi_->note_head(*this, response_.status == 0);
  multi_->endpoint().note_answer();
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &response_.status);
  head_.fill(response_);
  if (stream_ && response_.status / 100 == 2) {
    opened_ = true;
    wake_.cancel();
  }
}

std::size_t CurlTransfer::take_body(std::string_view bytes) {
  multi_->note_bytes();
  if (opened_) {
    pieces_.append(bytes);
    wake_.cancel();
    if (pieces_.size() > most_waiting) {
      multi_->set_overfull(*this, true);
    }
    return bytes.size();
  }
  const bool refused = response_.status >= 300;
  const std::size_t limit = refused ? longest_refusal : request_.max_answer;
  if (response_.body.size() + bytes.size() > limit) {
    too_large_ = true;
    return 0;
  }
  response_.body.append(bytes);
  return bytes.size();
}

}  // namespace regsync::kube
